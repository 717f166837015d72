/* Engine benchmark on SimGrid: actors in pairs, each pair passes one 64-byte message to and fro.
 *
 * A step is one message received by an actor. Prints one JSON line. One actor on each host; two
 * hosts of a pair share a link and have a mailbox each. A message is sent with put_async; the
 * sender waits for it only after the answer has come, when there is nothing left to wait for.
 *
 * Latency: floor 1 ms plus an exponential part of mean 1 ms: the links have a latency of 1 ms, and
 * the network model's latency factor, asked once for every message, is 1 + exponential(mean 1).
 *
 * Favours to SimGrid: the CM02 network model without cross-traffic, links that do not share
 * bandwidth (fatpipe), and one link per pair, so that a message meets no other one. Comm::detach
 * is avoided: with it the rate falls as the number of messages in flight grows (README.md).
 */

#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/s4u.hpp>
#include <xbt/log.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

namespace sg4 = simgrid::s4u;

namespace {

constexpr size_t MESSAGE_BYTES    = 64;
constexpr double LATENCY_FLOOR_S  = 1e-3;
constexpr double LATENCY_FACTOR   = 1.0; /* mean of the exponential part, in floors */
constexpr double BANDWIDTH_BYTE_S = 1e9;

using Message = std::array<unsigned char, MESSAGE_BYTES>;

struct Options {
  uint64_t steps = 1000000;
  unsigned nodes = 1000;
  unsigned seed  = 1;
};

struct Progress {
  uint64_t delivered = 0;
  uint64_t wanted    = 0;
  std::chrono::steady_clock::time_point end;
};

[[noreturn]] void usage_error(const std::string& problem)
{
  std::cerr << "engine-simgrid: " << problem
            << "\nusage: engine-simgrid [--steps=N] [--nodes=N] [--seed=N]\n";
  std::exit(1);
}

uint64_t number(const std::string& option, const std::string& text)
{
  char* rest           = nullptr;
  const uint64_t value = std::strtoull(text.c_str(), &rest, 10);
  if (text.empty() || *rest != '\0')
    usage_error(option + ": not a number: " + text);
  return value;
}

/* SimGrid has taken its own options out of argv already, --help among them. */
Options parse_options(int argc, char** argv)
{
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string arg   = argv[i];
    const size_t equals     = arg.find('=');
    const std::string name  = arg.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : arg.substr(equals + 1);
    if (name == "--steps")
      options.steps = number(name, value);
    else if (name == "--nodes")
      options.nodes = static_cast<unsigned>(number(name, value));
    else if (name == "--seed")
      options.seed = static_cast<unsigned>(number(name, value));
    else
      usage_error("cannot understand " + arg);
  }
  if (options.steps == 0 || options.nodes < 2 || options.nodes % 2 != 0)
    usage_error("steps must be above 0, nodes even and above 0");
  return options;
}

/* The message travels as a pointer that changes its owner. */
sg4::CommPtr send(sg4::Mailbox* to, const Message& content)
{
  auto* message = new Message(content);
  return to->put_async(message, MESSAGE_BYTES);
}

/* Counts one delivery; false once no more are wanted. Actors that run in the same round as the
 * one with the last delivery come here before they are killed, and are not counted. */
bool deliver(Progress* progress)
{
  if (progress->delivered == progress->wanted)
    return false;
  progress->delivered++;
  if (progress->delivered < progress->wanted)
    return true;
  progress->end = std::chrono::steady_clock::now();
  return false;
}

void play(sg4::Mailbox* own, sg4::Mailbox* peer, bool serves, Progress* progress)
{
  Message last;
  last.fill(0x5a);
  sg4::CommPtr sent;
  if (serves)
    sent = send(peer, last);
  for (;;) {
    last = *own->get_unique<Message>();
    if (!deliver(progress)) {
      sg4::Actor::kill_all(); /* the other pairs would go on for ever */
      return;
    }
    if (sent)
      sent->wait();
    sent = send(peer, last);
  }
}

void build(const Options& options, Progress* progress)
{
  auto* zone = sg4::create_full_zone("zone");
  std::vector<sg4::Host*> hosts;
  for (unsigned i = 0; i < options.nodes; i++)
    hosts.push_back(zone->create_host("host-" + std::to_string(i), 1e9));
  for (unsigned i = 0; i < options.nodes; i += 2) {
    auto* link = zone->create_link("link-" + std::to_string(i), BANDWIDTH_BYTE_S)
                     ->set_latency(LATENCY_FLOOR_S)
                     ->set_sharing_policy(sg4::Link::SharingPolicy::FATPIPE)
                     ->seal();
    zone->add_route(hosts[i]->get_netpoint(), hosts[i + 1]->get_netpoint(), nullptr, nullptr,
                    {sg4::LinkInRoute(link)}, true);
  }
  zone->seal();

  std::vector<sg4::Mailbox*> boxes;
  for (unsigned i = 0; i < options.nodes; i++)
    boxes.push_back(sg4::Mailbox::by_name("box-" + std::to_string(i)));
  for (unsigned i = 0; i < options.nodes; i++)
    sg4::Actor::create("actor-" + std::to_string(i), hosts[i], play, boxes[i], boxes[i ^ 1U],
                       i % 2 == 0, progress);
}

} // namespace

int main(int argc, char** argv)
{
  xbt_log_control_set("xbt_cfg.thres:warning"); /* else it reports the two settings below */
  sg4::Engine engine(&argc, argv);
  const Options options = parse_options(argc, argv);
  sg4::Engine::set_config("network/model:CM02");
  sg4::Engine::set_config("network/crosstraffic:0");

  Progress progress;
  progress.wanted = options.steps;
  build(options, &progress);

  std::mt19937_64 random(options.seed);
  std::exponential_distribution<double> extra(1.0 / LATENCY_FACTOR);
  engine.get_netzone_root()->get_network_model()->set_lat_factor_cb(
      [&](double, const sg4::Host*, const sg4::Host*, const std::vector<sg4::Link*>&,
          const std::unordered_set<sg4::NetZone*>&) { return 1.0 + extra(random); });

  const auto begin = std::chrono::steady_clock::now();
  engine.run();
  const double seconds = std::chrono::duration<double>(progress.end - begin).count();

  if (progress.delivered != progress.wanted) {
    std::cerr << "engine-simgrid: delivered " << progress.delivered << " messages, wanted "
              << progress.wanted << "\n";
    return 1;
  }
  std::printf("{\"bench\":\"engine\",\"peer\":\"simgrid\",\"steps\":%llu,\"seconds\":%.6f,"
              "\"steps_per_second\":%.1f}\n",
              static_cast<unsigned long long>(progress.delivered), seconds,
              static_cast<double>(progress.delivered) / seconds);
  return 0;
}
