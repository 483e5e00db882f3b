//! Secure dynamic references, which CloudFormation resolves in its own types and leaves as they are in a custom resource.

/// How they begin.
pub(super) const SECURE: [&str; 2] = ["{{resolve:secretsmanager:", "{{resolve:ssm-secure:"];

/// What is wrong with a text that holds one, and the entry of `Secrets` to write instead; `variable` is the name of the
/// variable that has it.
#[must_use]
pub fn problem(text: &str, variable: Option<&str>) -> Option<String> {
    let start = SECURE.iter().filter_map(|one| text.find(one)).min()?;
    let (before, rest) = text.split_at(start);
    let (inner, after) = rest.split_once("}}").unwrap_or((rest, ""));
    let name = variable.unwrap_or("VARIABLE");
    let entry = match inner.strip_prefix(SECURE[0]) {
        Some(secret) => in_secrets_manager(secret),
        None => inner.strip_prefix(SECURE[1]).unwrap_or_default().to_owned(),
    };
    let alone = if before.is_empty() && after.is_empty() {
        ""
    } else {
        ", and put the rest of the text around it where the variable is used"
    };
    Some(format!(
        "holds {inner}}}}}, which CloudFormation does not resolve in a custom resource, so that the text itself would arrive; \
         write in `Secrets`: {{Name: {name}, ValueFrom: {entry}}}{alone}"
    ))
}

/// What ECS takes for `ID[:SecretString[:KEY[:STAGE[:VERSION]]]]`.
fn in_secrets_manager(written: &str) -> String {
    // An ARN has seven fields of its own, the last of them the name.
    let fields: Vec<&str> = written.split(':').collect();
    let (arn, options) = if written.starts_with("arn:") && fields.len() >= 7 {
        (fields[..7].join(":"), &fields[7..])
    } else {
        let name = fields.first().copied().unwrap_or_default();
        let arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";
        (format!("!Sub '{arn}{name}"), fields.get(1..).unwrap_or_default())
    };
    let option = |index: usize| options.get(index).copied().unwrap_or_default();
    let (key, stage, version) = (option(1), option(2), option(3));
    let end = if arn.starts_with('!') { "'" } else { "" };
    if key.is_empty() && stage.is_empty() && version.is_empty() {
        format!("{arn}{end}")
    } else {
        format!("{arn}:{key}:{stage}:{version}{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_to_write_names_the_same_secret() {
        let named = "!Sub 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbC123";
        for (reference, entry) in [
            (
                "secretsmanager:db:SecretString:password",
                format!("{named}db:password::'"),
            ),
            ("secretsmanager:db:SecretString", format!("{named}db'")),
            ("secretsmanager:db", format!("{named}db'")),
            (
                "secretsmanager:db:SecretString:password:AWSPREVIOUS",
                format!("{named}db:password:AWSPREVIOUS:'"),
            ),
            ("secretsmanager:db:SecretString:::a1", format!("{named}db:::a1'")),
            (
                &format!("secretsmanager:{arn}:SecretString:password"),
                format!("{arn}:password::"),
            ),
            ("ssm-secure:/db/password:3", "/db/password:3".to_owned()),
            ("ssm-secure:password", "password".to_owned()),
        ] {
            let problem = problem(&format!("{{{{resolve:{reference}}}}}"), Some("A")).unwrap();
            assert!(
                problem.ends_with(&format!("{{Name: A, ValueFrom: {entry}}}")),
                "{reference}: {problem}"
            );
        }
    }

    #[test]
    fn an_arn_that_is_cut_short_is_at_fault_all_the_same() {
        for reference in ["secretsmanager:arn:aws:secretsmanager", "secretsmanager:"] {
            let text = format!("{{{{resolve:{reference}}}}}");
            let problem = problem(&text, None).unwrap();
            assert!(problem.starts_with(&format!("holds {text}, ")), "{problem}");
        }
    }

    #[test]
    fn what_cloudformation_resolves_everywhere_is_not_a_fault() {
        for text in ["{{resolve:ssm:/a:1}}", "{{resolve", "resolve:secretsmanager:a", ""] {
            assert_eq!(problem(text, None), None, "{text}");
        }
    }

    #[test]
    fn a_reference_within_a_text_is_found() {
        let reference = "{{resolve:ssm-secure:/a}}";
        for (before, after) in [("", ""), ("postgres://a:", ""), ("", "@db"), ("postgres://a:", "@db")] {
            let problem = problem(&format!("{before}{reference}{after}"), None).unwrap();
            assert!(problem.starts_with(&format!("holds {reference}, ")), "{problem}");
            let is_more = problem.ends_with("put the rest of the text around it where the variable is used");
            assert_eq!(is_more, !(before.is_empty() && after.is_empty()), "{problem}");
        }
    }
}
