//! Both providers keep the contract of the gateways port.

use std::sync::{Arc, Mutex};

use domain::attempt::Purpose;
use domain::{ManualClock, Money};
use gateways::contract::opened;
use gateways::contract::{Arrived, Scene, Stage, exercise, sample_charge};
use gateways::{ChargeRequest, Connect, Gateway, RawReport, Reply};
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

use crate::flexfactor_charge::salvage;
use crate::flexfactor_reports::{Sent, send};
use crate::support::{
    self, APP_KEY, APP_SECRET, BEARER, ENVIRONMENT_KEY, NMI_KEY, Recorder, SIGNING_KEY, arrived, closed_port,
    flexfactor_settings, form, hang_up, nmi_settings, now, stub, stub_preparation,
};

/// A stub server and the transport to it.
#[derive(Debug)]
struct World {
    server: Mutex<Option<Arc<MockServer>>>,
    recorder: Arc<Recorder>,
}

impl World {
    fn new() -> Self {
        Self { server: Mutex::default(), recorder: Recorder::new() }
    }

    fn server(&self) -> Arc<MockServer> {
        Arc::clone(self.server.lock().unwrap().as_ref().unwrap())
    }

    /// A new server, to which no charge was sent yet, and its address or that of the scene.
    async fn start(&self, scene: Scene, charge_path: &'static str) -> (Arc<MockServer>, String) {
        let server = Arc::new(MockServer::start().await);
        *self.server.lock().unwrap() = Some(Arc::clone(&server));
        let detour = match scene {
            Scene::HangsUp => Some((charge_path, hang_up().await)),
            _ => None,
        };
        *self.recorder.detour.lock().unwrap() = detour;
        let address = if scene == Scene::RefusesConnections { closed_port().await } else { server.uri() };
        (server, address)
    }

    fn gateway(&self, kind: &str, settings: &gateways::Settings) -> Arc<dyn Gateway> {
        let transport = Arc::clone(&self.recorder);
        support::catalogue(transport, Arc::new(ManualClock::new(now()))).connect(kind, settings).unwrap()
    }
}

const EVERYTHING: &str = "4111111111111111";

#[derive(Debug)]
struct NmiStage(World);

impl Stage for NmiStage {
    fn set(&self, scene: Scene) -> Reply<'_, Arc<dyn Gateway>> {
        Box::pin(async move {
            let (server, address) = self.0.start(scene, "transact.php").await;
            let reply = match scene {
                Scene::Approves => {
                    "response=1&responsetext=SUCCESS&transactionid=7&response_code=100".to_owned()
                }
                Scene::Declines => {
                    "response=2&responsetext=DECLINE&transactionid=8&response_code=202".to_owned()
                }
                _ => {
                    format!("response=3&responsetext=Invalid amount {NMI_KEY} {EVERYTHING}&response_code=300")
                }
            };
            let status = if scene == Scene::BreaksDown { 500 } else { 200 };
            let answer = ResponseTemplate::new(status).set_body_string(reply);
            stub(&server, "POST", "/api/transact.php", answer).await;
            let error = format!(
                "<nm_response><error_response>No {NMI_KEY} {EVERYTHING}</error_response></nm_response>"
            );
            stub(&server, "POST", "/api/query.php", ResponseTemplate::new(200).set_body_string(error)).await;
            self.0.gateway("nmi", &nmi_settings(&address))
        })
    }

    fn request(&self) -> ChargeRequest {
        ChargeRequest { at: now(), ..sample_charge() }
    }

    fn unsupported(&self) -> Vec<ChargeRequest> {
        let currency = self.request().amount.currency();
        vec![ChargeRequest { amount: Money::new(-1, currency), ..self.request() }]
    }

    fn arrived(&self) -> Reply<'_, Vec<Arrived>> {
        Box::pin(async move {
            let requests = arrived(&self.0.server(), "/api/transact.php").await;
            let reference = |request: &wiremock::Request| {
                form(request).into_iter().find(|(name, _)| name == "orderid").map(|(_, value)| value).unwrap()
            };
            requests.iter().map(|one| Arrived { reference: reference(one), key: String::new() }).collect()
        })
    }

    fn planted(&self) -> Vec<String> {
        [NMI_KEY, EVERYTHING, "987"].map(str::to_owned).to_vec()
    }

    fn printed(&self) -> Vec<String> {
        self.0.recorder.printed.lock().unwrap().clone()
    }
}

#[derive(Debug)]
struct FlexFactorStage(World);

impl Stage for FlexFactorStage {
    fn set(&self, scene: Scene) -> Reply<'_, Arc<dyn Gateway>> {
        Box::pin(async move {
            let (server, address) = self.0.start(scene, "evaluate").await;
            stub_preparation(&server).await;
            let leak = format!("{APP_KEY} {APP_SECRET} {ENVIRONMENT_KEY} {SIGNING_KEY} {EVERYTHING}");
            let answer = |status: &str| {
                ResponseTemplate::new(200).set_body_json(json!({"orderId": "ff", "status": status}))
            };
            let answer = match scene {
                Scene::Approves => answer("APPROVED"),
                Scene::Declines => answer("DECLINED"),
                Scene::TakesForLater => answer("SUBMITTED"),
                Scene::BreaksDown => ResponseTemplate::new(500).set_body_string(leak.clone()),
                _ => ResponseTemplate::new(400).set_body_json(json!({"PaymentMethod": [leak]})),
            };
            stub(&server, "POST", "/v1/evaluate", answer).await;
            let order = json!({"id": leak, "externalOrderId": self.request().reference, "statusName": leak});
            let list = ResponseTemplate::new(200).set_body_json(json!({"orders": [order]}));
            stub(&server, "GET", "/v1/orders", list).await;
            self.0.gateway("flexfactor", &flexfactor_settings(&format!("{address}/v1/")))
        })
    }

    fn request(&self) -> ChargeRequest {
        salvage()
    }

    fn unsupported(&self) -> Vec<ChargeRequest> {
        let zero = Money::zero(self.request().amount.currency());
        vec![
            ChargeRequest { purpose: Purpose::Hold, ..self.request() },
            ChargeRequest { amount: zero, ..self.request() },
            ChargeRequest { salvaged: None, ..self.request() },
        ]
    }

    fn open_salvage(&self) -> Option<ChargeRequest> {
        Some(opened(salvage()))
    }

    fn report(&self, reference: &str) -> Option<RawReport> {
        let body = json!({"Event": "order.completed", "ExternalOrderId": reference, "OrderId": "ff-1"});
        Some(send(&Sent { body: body.to_string().into_bytes(), ..Sent::default() }))
    }

    fn arrived(&self) -> Reply<'_, Vec<Arrived>> {
        Box::pin(async move {
            let requests = arrived(&self.0.server(), "/v1/evaluate").await;
            let bodies = requests.iter().map(support::json);
            let text = |body: &serde_json::Value, name: &str| body[name].as_str().unwrap().to_owned();
            bodies
                .map(|body| Arrived { reference: text(&body, "orderId"), key: text(&body, "idempotencyKey") })
                .collect()
        })
    }

    fn planted(&self) -> Vec<String> {
        [APP_KEY, APP_SECRET, ENVIRONMENT_KEY, SIGNING_KEY, BEARER, EVERYTHING, "987"]
            .map(str::to_owned)
            .to_vec()
    }

    fn printed(&self) -> Vec<String> {
        self.0.recorder.printed.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn nmi_keeps_the_contract() {
    exercise(&NmiStage(World::new())).await;
}

#[tokio::test]
async fn flexfactor_keeps_the_contract() {
    exercise(&FlexFactorStage(World::new())).await;
}
