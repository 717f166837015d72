//! Engine benchmark on madsim: nodes in pairs, each pair passes one 64-byte message to and fro.
//!
//! A step is one message delivered to the application. Prints one JSON line. Needs
//! `RUSTFLAGS="--cfg madsim"`; without it madsim would open real sockets.
//!
//! Transport: madsim offers datagrams (`Endpoint`) and simulated `TcpStream`s. The default is
//! `TcpStream`, which favours madsim: `Endpoint::send_to` and `recv_from` each await an extra
//! random delay, so a datagram costs three timers where a chunk on a stream costs one. Streams are
//! also what our own engine simulates. `--transport=endpoint` runs the other, to check this.
//!
//! Latency: madsim draws uniformly from a range and offers no exponential. The range is 1 ms to
//! 3 ms, which has the floor and the mean of the other peers' distribution. The floor is not
//! lower because madsim's sleeps never end in less than 1 ms.

#[cfg(not(madsim))]
compile_error!("build with RUSTFLAGS=\"--cfg madsim\"");

use madsim::net::{Endpoint, TcpListener, TcpStream};
use madsim::runtime::{NodeHandle, Runtime};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{oneshot, Barrier};

const MESSAGE_BYTES: usize = 64;
const PORT: u16 = 10911;
const TAG: u64 = 1;
const USAGE: &str =
    "usage: engine-madsim [--steps=N] [--nodes=N] [--seed=N] [--transport=tcp|endpoint]";

struct Options {
    steps: u64,
    nodes: u32,
    seed: u64,
    endpoint: bool,
}

fn usage_error(text: &str) -> ! {
    eprintln!("engine-madsim: {text}\n{USAGE}");
    exit(1)
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> T {
    text.parse().unwrap_or_else(|_| usage_error(&format!("{name}: not a number: {text}")))
}

fn parse_options() -> Options {
    let mut options = Options { steps: 4_000_000, nodes: 1000, seed: 1, endpoint: false };
    for arg in std::env::args().skip(1) {
        if arg == "--help" {
            println!("{USAGE}");
            exit(0);
        }
        let (name, value) = arg.split_once('=').unwrap_or((&arg, ""));
        match name {
            "--steps" => options.steps = number(name, value),
            "--nodes" => options.nodes = number(name, value),
            "--seed" => options.seed = number(name, value),
            "--transport" if value == "tcp" => options.endpoint = false,
            "--transport" if value == "endpoint" => options.endpoint = true,
            _ => usage_error(&format!("cannot understand {arg}")),
        }
    }
    if options.steps == 0 || options.nodes < 2 || options.nodes % 2 != 0 || options.nodes > 60_000 {
        usage_error("steps must be above 0, nodes even and between 2 and 60000");
    }
    options
}

/// Counts deliveries over all nodes and tells the supervisor when the wanted number is reached.
struct Progress {
    delivered: AtomicU64,
    wanted: u64,
    finished: Mutex<Option<oneshot::Sender<()>>>,
}

impl Progress {
    /// Notes one delivery; false once no more are wanted.
    fn deliver(&self) -> bool {
        // Everything runs on one thread: plain load and store, no locked instruction.
        let count = self.delivered.load(Ordering::Relaxed) + 1;
        if count > self.wanted {
            return false;
        }
        self.delivered.store(count, Ordering::Relaxed);
        if count == self.wanted {
            if let Some(sender) = self.finished.lock().unwrap().take() {
                let _ = sender.send(());
            }
        }
        count < self.wanted
    }
}

/// What every node shares. `connected` opens when setup is over, `go` when the clock runs.
#[derive(Clone)]
struct Shared {
    progress: Arc<Progress>,
    connected: Arc<Barrier>,
    go: Arc<Barrier>,
}

fn address(node_index: u32) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + node_index)), PORT)
}

async fn play_stream(mut stream: TcpStream, serves: bool, shared: Shared) {
    let mut message = [0x5a_u8; MESSAGE_BYTES];
    shared.connected.wait().await;
    shared.go.wait().await;
    if serves {
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
    }
    loop {
        stream.read_exact(&mut message).await.unwrap();
        if !shared.progress.deliver() {
            // Keep the connection: an end of stream would be an event nobody counts.
            std::future::pending::<()>().await;
        }
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
    }
}

async fn play_endpoint(own: SocketAddr, peer: SocketAddr, serves: bool, shared: Shared) {
    let endpoint = Endpoint::bind(own).await.unwrap();
    let mut message = [0x5a_u8; MESSAGE_BYTES];
    shared.connected.wait().await;
    shared.go.wait().await;
    if serves {
        endpoint.send_to(peer, TAG, &message).await.unwrap();
    }
    loop {
        let (len, _) = endpoint.recv_from(TAG, &mut message).await.unwrap();
        assert_eq!(len, MESSAGE_BYTES);
        if !shared.progress.deliver() {
            return;
        }
        endpoint.send_to(peer, TAG, &message).await.unwrap();
    }
}

fn start<F>(node: &NodeHandle, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    drop(node.spawn(future)); // dropping the handle detaches the task
}

/// Starts the pair of nodes `first` and `first + 1`; `first` serves.
fn start_pair(runtime: &Runtime, first: u32, options: &Options, shared: &Shared) {
    let (left_address, right_address) = (address(first), address(first + 1));
    let left = runtime.create_node().ip(left_address.ip()).build();
    let right = runtime.create_node().ip(right_address.ip()).build();
    let (to_left, to_right) = (shared.clone(), shared.clone());
    if options.endpoint {
        start(&left, play_endpoint(left_address, right_address, true, to_left));
        start(&right, play_endpoint(right_address, left_address, false, to_right));
        return;
    }
    let (ready_sender, ready) = oneshot::channel();
    start(&left, async move {
        let listener = TcpListener::bind(left_address).await.unwrap();
        ready_sender.send(()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        play_stream(stream, true, to_left).await;
    });
    start(&right, async move {
        ready.await.unwrap();
        let stream = TcpStream::connect(left_address).await.unwrap();
        play_stream(stream, false, to_right).await;
    });
}

fn main() {
    let options = parse_options();
    let mut config = madsim::Config::default();
    config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(3);
    let runtime = Runtime::with_seed_and_config(options.seed, config);

    let (finished_sender, finished) = oneshot::channel();
    let parties = options.nodes as usize + 1; // the supervisor waits at the barriers too
    let shared = Shared {
        progress: Arc::new(Progress {
            delivered: AtomicU64::new(0),
            wanted: options.steps,
            finished: Mutex::new(Some(finished_sender)),
        }),
        connected: Arc::new(Barrier::new(parties)),
        go: Arc::new(Barrier::new(parties)),
    };
    for first in (0..options.nodes).step_by(2) {
        start_pair(&runtime, first, &options, &shared);
    }
    runtime.block_on(async { shared.connected.wait().await });

    // Inside block_on madsim replaces the clock; the wall clock can only be read outside.
    let begin = Instant::now();
    runtime.block_on(async {
        shared.go.wait().await;
        finished.await.unwrap();
    });
    let seconds = begin.elapsed().as_secs_f64();

    let steps = shared.progress.delivered.load(Ordering::Relaxed);
    assert_eq!(steps, options.steps);
    println!(
        "{{\"bench\":\"engine\",\"peer\":\"madsim\",\"steps\":{steps},\"seconds\":{seconds:.6},\
         \"steps_per_second\":{:.1}}}",
        steps as f64 / seconds
    );
}
