//! Services that are asked one question each: their calls as JSON, through the runtime that the SDKs are made of.
//!
//! Their own SDKs, of which Systems Manager's is one of the largest, take some seven minutes of CPU time to compile, for three reads.

use agent_composer_model::partition;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig, SigningOptions,
        sigv4::{self, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::client::{
    auth::{AuthSchemeOptionResolverParams, static_resolver::StaticAuthSchemeOptionResolver},
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::StaticRuntimePlugin,
};
use aws_smithy_types::{body::SdkBody, config_bag::Layer, error::ErrorMetadata};
use aws_types::{SigningName, region::Region};
use serde_json::Value;

use crate::refused::Refused;

/// A service that speaks awsJson 1.1.
pub(super) struct Service {
    /// As requests are signed for it.
    name: &'static str,
    /// How its host begins.
    host: &'static str,
    /// What is before the operation in `X-Amz-Target`.
    target: &'static str,
}

pub(super) const SSM: Service = Service {
    name: "ssm",
    host: "ssm",
    target: "AmazonSSM",
};

pub(super) const SECRETS_MANAGER: Service = Service {
    name: "secretsmanager",
    host: "secretsmanager",
    target: "secretsmanager",
};

pub(super) const ECR: Service = Service {
    name: "ecr",
    host: "api.ecr",
    target: "AmazonEC2ContainerRegistry_V20150921",
};

/// Asks a service in a Region.
pub(super) async fn ask(
    config: &SdkConfig,
    service: &Service,
    region: &str,
    operation: &'static str,
    input: Value,
) -> Result<Value, Refused> {
    let target = format!("{}.{operation}", service.target);
    let host = format!("https://{}.{region}.{}/", service.host, partition::dns_suffix(region));
    let mut builder = Operation::builder()
        .service_name(service.name)
        .operation_name(operation)
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(config.endpoint_url().unwrap_or(&host))
        .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .runtime_plugin(signed(config, service, region));
    if let Some(retries) = config.retry_config() {
        builder = builder.standard_retry(retries);
    }
    if let Some(client) = config.http_client() {
        builder = builder.http_client(client);
    }
    let call = builder
        .serializer(move |input: Value| {
            let mut request = HttpRequest::new(SdkBody::from(input.to_string()));
            request.set_method("POST")?;
            request.set_uri("/")?;
            let headers = request.headers_mut();
            headers.insert("content-type", "application/x-amz-json-1.1");
            headers.insert("x-amz-target", target.clone());
            Ok(request)
        })
        .deserializer(answer)
        .build();
    call.invoke(input).await.map_err(Refused::from)
}

/// Credentials, and what they sign for.
fn signed(config: &SdkConfig, service: &Service, region: &str) -> StaticRuntimePlugin {
    let mut signing_options = SigningOptions::default();
    signing_options.double_uri_encode = true;
    signing_options.normalize_uri_path = true;
    let mut layer = Layer::new("signed");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(Region::new(region.to_owned()).into()),
        name: Some(SigningName::from_static(service.name)),
        signing_options,
        ..SigV4OperationSigningConfig::default()
    });
    let mut components = RuntimeComponentsBuilder::new("signed")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID])));
    // The same credentials as those of the SDKs' clients, which are had once.
    components.set_identity_cache(config.identity_cache());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(sigv4::SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new()
        .with_config(layer.freeze())
        .with_runtime_components(components)
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    let body: Result<Value, _> = serde_json::from_slice(body);
    if response.status().is_success() {
        return body.map_err(OrchestratorError::other);
    }
    let body = body.unwrap_or_default();
    let field = |names: [&str; 2]| names.into_iter().find_map(|name| body[name].as_str());
    let code = response.headers().get("x-amzn-errortype").or(field(["__type", "code"]));
    // `com.amazonaws…#Code`, or `Code:http://…`.
    let code = code.and_then(|code| code.rsplit('#').next()?.split(':').next());
    let mut error = ErrorMetadata::builder();
    error = error.code(code.unwrap_or("UnknownError"));
    error = error.message(field(["message", "Message"]).unwrap_or("no message"));
    Err(OrchestratorError::operation(error.build()))
}
