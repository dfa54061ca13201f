//! The Rust SDK, unchanged, against one server: see tests/support/interop.py for how it is run.
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::future::Future;
use std::io::{stdin, stdout, BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nacos_sdk::api::config::{ConfigChangeListener, ConfigResponse, ConfigService, ConfigServiceBuilder};
use nacos_sdk::api::naming::{NamingChangeEvent, NamingEventListener, NamingService, NamingServiceBuilder, ServiceInstance};
use nacos_sdk::api::props::ClientProps;

const SERVICE: &str = "interop-rust";
const GROUP: &str = "DEFAULT_GROUP";

type Outcome = Result<(), Box<dyn Error>>;

fn ok(step: &str) {
    println!("OK {step}");
}

async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn eventually<F: Future<Output = bool>>(step: &str, seconds: u64, condition: impl Fn() -> F) -> Outcome {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !condition().await {
        if Instant::now() > end {
            return Err(format!("{step}: not within {seconds} s").into());
        }
        sleep(0.05).await;
    }
    ok(step);
    Ok(())
}

fn require(condition: bool, what: impl std::fmt::Debug) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(format!("{what:?}").into())
    }
}

fn gate(what: &str) -> Outcome {
    println!("@{what}");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    require(answer.trim() == "done", "the gate did not answer")
}

fn server(port: &str, namespace: &str) -> ClientProps {
    let address = format!("127.0.0.1:{}", env::var(port).expect("a port"));
    ClientProps::new().server_addr(address).namespace(namespace).app_name("interop").cache_dir(env::var("WORK").expect("a folder"))
}

/// What a subscriber or a listener was told last.
#[derive(Default)]
struct Told(Mutex<String>);

impl Told {
    fn set(&self, what: String) {
        *self.0.lock().unwrap() = what;
    }
    async fn is(&self, what: &str) -> bool {
        *self.0.lock().unwrap() == what
    }
}

impl NamingEventListener for Told {
    fn event(&self, event: Arc<NamingChangeEvent>) {
        self.set(ips(event.instances.as_deref().unwrap_or_default()));
    }
}

impl ConfigChangeListener for Told {
    fn notify(&self, response: ConfigResponse) {
        self.set(response.content().clone());
    }
}

fn ips(instances: &[ServiceInstance]) -> String {
    let mut out: Vec<&str> = instances.iter().map(ServiceInstance::ip).collect();
    out.sort();
    out.join(",")
}

fn instance(ip: &str) -> ServiceInstance {
    let metadata = HashMap::from([("from".to_string(), "rust".to_string())]);
    ServiceInstance { ip: ip.into(), port: 8080, metadata, ..Default::default() }
}

async fn naming_client(port: &str, namespace: &str) -> Result<NamingService, Box<dyn Error>> {
    Ok(NamingServiceBuilder::new(server(port, namespace)).build().await?)
}

async fn naming() -> Outcome {
    let (a, b) = (naming_client("PORT", "").await?, naming_client("GATE_PORT", "").await?);
    let service = || SERVICE.to_string();
    let group = || Some(GROUP.to_string());
    let told = Arc::new(Told::default());

    a.register_instance(service(), group(), instance("10.0.0.1")).await?;
    ok("register");
    a.subscribe(service(), group(), vec![], told.clone()).await?;
    eventually("subscriber sees its own instance", 5, || told.is("10.0.0.1")).await?;
    b.register_instance(service(), group(), ServiceInstance { weight: 2.5, ..instance("10.0.0.2") }).await?;
    eventually("subscriber is pushed another client's instance", 3, || told.is("10.0.0.1,10.0.0.2")).await?;

    let found = a.select_instances(service(), group(), vec![], false, true).await?;
    require(ips(&found) == "10.0.0.1,10.0.0.2", &found)?;
    let second = found.iter().find(|i| i.ip == "10.0.0.2").ok_or("not found")?;
    require(second.port == 8080 && second.weight == 2.5 && second.metadata["from"] == "rust", second)?;
    ok("select instances");
    let (services, count) = a.get_service_list(1, 100, group()).await?;
    require(count == 1 && services == [SERVICE], (services, count))?;
    ok("service list");

    gate("cut")?;
    eventually("instance of a cut connection is gone", 5, || told.is("10.0.0.1")).await?;
    sleep(2.0).await;
    gate("restore")?;
    eventually("instance is back by redo", 40, || told.is("10.0.0.1,10.0.0.2")).await?;
    b.deregister_instance(service(), group(), instance("10.0.0.2")).await?;
    eventually("deregistration is pushed", 3, || told.is("10.0.0.1")).await?;

    b.batch_register_instance("interop-rust-batch".into(), group(), vec![instance("10.0.1.1"), instance("10.0.1.2")]).await?;
    let batch = a.get_all_instances("interop-rust-batch".into(), group(), vec![], false).await?;
    require(ips(&batch) == "10.0.1.1,10.0.1.2", &batch)?;
    ok("batch registration");
    let other = || Some("other-group".to_string());
    b.register_instance(service(), other(), ServiceInstance { cluster_name: Some("east".into()), ..instance("10.0.1.3") }).await?;
    let east = a.get_all_instances(service(), other(), vec!["east".into()], false).await?;
    let west = a.get_all_instances(service(), other(), vec!["west".into()], false).await?;
    require(ips(&east) == "10.0.1.3" && west.is_empty(), (east, west))?;
    ok("cluster and group");
    let elsewhere = naming_client("PORT", "interop").await?;
    let there = elsewhere.get_all_instances(service(), group(), vec![], false).await?;
    require(there.is_empty(), there)?;
    ok("namespace");
    let refused = a.register_instance("bad service".into(), group(), instance("10.0.0.9")).await;
    require(refused.as_ref().is_err_and(|e| e.to_string().contains("illegal")), refused)?;
    ok("refused name");
    a.unsubscribe(service(), group(), vec![], told.clone()).await?;
    a.deregister_instance(service(), group(), instance("10.0.0.1")).await?;
    Ok(())
}

async fn config_client(port: &str, namespace: &str) -> Result<ConfigService, Box<dyn Error>> {
    Ok(ConfigServiceBuilder::new(server(port, namespace)).build().await?)
}

async fn config() -> Outcome {
    let (a, b) = (config_client("PORT", "").await?, config_client("GATE_PORT", "").await?);
    let id = || "interop-rust.yaml".to_string();
    let group = || GROUP.to_string();
    let yaml = || Some("yaml".to_string());
    let told = Arc::new(Told::default());
    let publish = |content: &'static str| {
        let done = a.publish_config(id(), group(), content.into(), yaml());
        async { require(done.await?, "publish: refused") }
    };

    publish("a: 1 # ü").await?;
    ok("publish config");
    let got = b.get_config(id(), group()).await?;
    require(got.content() == "a: 1 # ü" && got.content_type() == "yaml", &got)?;
    ok("get config");
    b.add_listener(id(), group(), told.clone()).await?;
    sleep(1.0).await;
    publish("a: 2").await?;
    eventually("listener is told a change", 3, || told.is("a: 2")).await?;

    gate("cut")?;
    publish("a: 3").await?;
    sleep(2.0).await;
    gate("restore")?;
    // The library compares at the next of its rounds, one a minute, and not when it is connected again.
    eventually("listener is told what changed while it was cut off", 80, || told.is("a: 3")).await?;

    let md5 = a.get_config(id(), group()).await?.md5().clone();
    let wrong = a.publish_config_cas(id(), group(), "a: never".into(), yaml(), "0".repeat(32)).await;
    require(!matches!(wrong, Ok(true)), "a wrong md5 was accepted")?;
    require(a.publish_config_cas(id(), group(), "a: 4".into(), yaml(), md5).await?, "the right md5 was refused")?;
    ok("compare and set");

    require(a.remove_config(id(), group()).await?, "remove: refused")?;
    let gone = a.get_config(id(), group()).await;
    require(matches!(gone, Err(nacos_sdk::api::error::Error::ConfigNotFound(_))), gone)?;
    ok("removed config is gone");
    let elsewhere = config_client("PORT", "interop").await?;
    require(elsewhere.publish_config(id(), group(), "a: 5".into(), yaml()).await?, "publish: refused")?;
    require(a.get_config(id(), group()).await.is_err(), "another namespace's config is seen")?;
    ok("config namespace");
    Ok(())
}

async fn all() -> Outcome {
    naming().await?;
    config().await
}

#[tokio::main]
async fn main() {
    let code = match all().await {
        Ok(()) => 0,
        Err(error) => {
            println!("FAILED: {error}");
            1
        }
    };
    std::process::exit(code); // the library's background tasks need not be waited for
}
