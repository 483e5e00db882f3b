//! Candidate forms for unknown values, and what each part of them is: composition splits values.

use serde_json::{Value, json};

use super::{Deployment, Mark, Unknown};

/// A text that is a whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The text.
    pub text: String,
    /// Its parts that may turn up alone, each with what it is.
    pub parts: Vec<(String, Part)>,
}

/// What a part is of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The resource's `Ref`.
    Reference(String),
    /// An ARN's Region.
    Region,
    /// An ARN's account.
    Account,
    /// The API of an API Gateway stage.
    Api,
    /// The stage itself.
    Stage,
    /// The stage's ARN, without a method and a path behind it.
    StageArn,
    /// A secret's ARN, without a key or a version behind it.
    Secret,
}

impl Part {
    fn of(&self, whole: &Value) -> Value {
        let select =
            |index: usize, separator: &str, of: &Value| json!({"Fn::Select": [index, {"Fn::Split": [separator, of]}]});
        match self {
            Self::Reference(id) => json!({"Ref": id}),
            Self::Region => select(3, ":", whole),
            Self::Account => select(4, ":", whole),
            Self::Api => select(5, ":", &select(0, "/", whole)),
            Self::Stage => select(1, "/", whole),
            Self::StageArn => json!({"Fn::Join": ["/", [select(0, "/", whole), select(1, "/", whole)]]}),
            Self::Secret => {
                let fields: Vec<Value> = (0..7).map(|index| select(index, ":", whole)).collect();
                json!({"Fn::Join": [":", fields]})
            }
        }
    }

    fn shown(&self, whole: &str) -> String {
        match self {
            Self::Reference(id) => id.clone(),
            Self::Region => format!("Region of {whole}"),
            Self::Account => format!("account of {whole}"),
            Self::Api => format!("API of {whole}"),
            Self::Stage => format!("stage of {whole}"),
            Self::StageArn => whole.to_owned(),
            Self::Secret => format!("secret of {whole}"),
        }
    }
}

impl Form {
    fn whole(text: String) -> Self {
        Self {
            text,
            parts: Vec::new(),
        }
    }

    /// What it and its parts stand for, where the whole is `shown` and `expression`.
    #[must_use]
    pub fn unknowns(&self, shown: &str, expression: &Value) -> Vec<Unknown> {
        let plain = shown.replace(['$', '{', '}'], "");
        let parts = self.parts.iter().map(|(text, part)| Unknown {
            text: text.clone(),
            shown: part.shown(&plain),
            expression: part.of(expression),
        });
        let whole = Unknown {
            text: self.text.clone(),
            shown: shown.to_owned(),
            expression: expression.clone(),
        };
        std::iter::once(whole).chain(parts).collect()
    }
}

/// Makes forms, each of a number of its own.
#[derive(Clone, Copy, Debug)]
pub struct Forms<'a> {
    /// What all stand-ins have in common.
    pub mark: &'a Mark,
    /// Where the template is deployed to.
    pub deployment: &'a Deployment,
    /// What distinguishes this value from the others.
    pub number: usize,
}

impl Forms<'_> {
    fn token(&self) -> String {
        self.mark.token(self.number)
    }

    /// The form of a resource's reference or attribute; `None` where nothing is known of it.
    #[must_use]
    pub fn of_resource(&self, id: &str, kind: &str, attribute: Option<&str>) -> Option<Form> {
        let (token, region, account) = (self.token(), &self.deployment.region, &self.deployment.account);
        let partition = self.deployment.partition();
        Some(match (kind, attribute) {
            ("AWS::SecretsManager::Secret", None | Some("Id")) => self.secret_here(),
            ("AWS::KMS::Key", Some("Arn")) => {
                Form::whole(format!("arn:{partition}:kms:{region}:{account}:key/{token}"))
            }
            ("AWS::IAM::Role", Some("Arn")) => self.role("/BuildkiteAgentTask/"),
            ("AWS::IAM::ManagedPolicy", None | Some("PolicyArn")) => self.policy(),
            ("AWS::ECR::Repository", Some("RepositoryUri")) => Form {
                text: format!("{account}.dkr.ecr.{region}.{}/{token}", self.deployment.dns_suffix()),
                parts: vec![(token, Part::Reference(id.to_owned()))],
            },
            ("AWS::EFS::FileSystem", None | Some("FileSystemId")) => self.file_system(),
            ("AWS::EFS::AccessPoint", None | Some("AccessPointId")) => self.access_point(),
            _ => return None,
        })
    }

    fn secret_here(&self) -> Form {
        let Deployment { region, account } = self.deployment;
        let partition = self.deployment.partition();
        Form::whole(format!(
            "arn:{partition}:secretsmanager:{region}:{account}:secret:{}-AbCdEf",
            self.token()
        ))
    }

    fn role(&self, path: &str) -> Form {
        let (partition, account) = (self.deployment.partition(), &self.deployment.account);
        Form::whole(format!("arn:{partition}:iam::{account}:role{path}{}", self.token()))
    }

    fn policy(&self) -> Form {
        let (partition, account) = (self.deployment.partition(), &self.deployment.account);
        Form::whole(format!("arn:{partition}:iam::{account}:policy/{}", self.token()))
    }

    fn file_system(&self) -> Form {
        Form::whole(format!("fs-{}", self.mark.id(self.number)))
    }

    fn access_point(&self) -> Form {
        Form::whole(format!("fsap-{}", self.mark.id(self.number)))
    }

    /// Every form, the least particular first; where a property leaves it open, of another Region and account than the
    /// deployment's. Task roles lie under `role_path`.
    #[must_use]
    pub fn all(&self, role_path: &str) -> Vec<Form> {
        let token = self.token();
        let partition = self.deployment.partition();
        let Deployment { region, account } = self.deployment;
        let (other_region, other_account) = (
            self.deployment.other_region(self.mark, self.number),
            self.mark.account(self.number),
        );
        let elsewhere = || {
            vec![
                (other_region.clone(), Part::Region),
                (other_account.clone(), Part::Account),
            ]
        };
        let stage = format!("arn:{partition}:execute-api:{other_region}:{other_account}:{token}/{token}s");
        let stage = Form {
            // A method and a path may follow.
            text: format!("{stage}/*"),
            parts: [
                elsewhere(),
                vec![
                    (stage, Part::StageArn),
                    (token.clone(), Part::Api),
                    (format!("{token}s"), Part::Stage),
                ],
            ]
            .concat(),
        };
        let key = |region: &str, account: &str| format!("arn:{partition}:kms:{region}:{account}:key/{token}");
        let secret = format!("arn:{partition}:secretsmanager:{other_region}:{other_account}:secret:{token}-AbCdEf");
        vec![
            Form::whole(token.clone()),
            Form::whole(format!("/{token}")),
            Form::whole(format!("https://{token}.example.com")),
            stage,
            Form {
                text: key(&other_region, &other_account),
                parts: elsewhere(),
            },
            Form {
                text: key(region, &other_account),
                parts: vec![(other_account.clone(), Part::Account)],
            },
            Form::whole(key(region, account)),
            self.role(role_path),
            self.policy(),
            Form {
                text: format!("{secret}:{token}k::"),
                parts: [elsewhere(), vec![(secret.clone(), Part::Secret)]].concat(),
            },
            Form {
                text: secret,
                parts: elsewhere(),
            },
            self.secret_here(),
            self.file_system(),
            self.access_point(),
            Form::whole(format!("arn:{partition}:s3:::{token}")),
            Form::whole(format!("{token}:{token}a")),
        ]
    }
}
