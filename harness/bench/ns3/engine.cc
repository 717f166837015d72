/* Engine benchmark on ns-3: nodes in pairs, each pair passes one 64-byte message to and fro.
 *
 * A step is one message delivered. Prints one JSON line. Only ns-3's event engine runs: no device,
 * channel, socket or IP stack. A message is either a plain 64-byte buffer held by the event (the
 * default, the cheaper of the two) or, with --payload packet, an ns3::Packet built from 64 bytes,
 * scheduled, and read out at delivery. The event queue is the fastest tried for this load,
 * which is not ns-3's default (ns3::MapScheduler).
 *
 * Latency: floor 1 ms plus an exponential part of mean 1 ms, from ns-3's own random variable.
 * Every node has its own context, as ns-3 nodes have, and its own random stream.
 */

#include "ns3/core-module.h"
#include "ns3/packet.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace
{

constexpr size_t MESSAGE_BYTES = 64;
constexpr int64_t LATENCY_FLOOR_NS = 1000000;
constexpr double LATENCY_MEAN_EXTRA_NS = 1000000.0;

using Message = std::array<uint8_t, MESSAGE_BYTES>;

struct Options
{
    uint64_t steps = 30000000;
    uint32_t nodes = 1000;
    uint32_t seed = 1;
    std::string scheduler = "ns3::PriorityQueueScheduler";
    std::string payload = "buffer";
};

struct Progress
{
    uint64_t delivered = 0;
    uint64_t wanted = 0;
    std::chrono::steady_clock::time_point end;
};

class Node
{
  public:
    void Init(uint32_t context, Node* peer, Progress* progress);
    void SendBuffer(const Message& message);
    void SendPacket();

  private:
    void OnBuffer(const Message& message);
    void OnPacket(ns3::Ptr<ns3::Packet> packet);
    bool Deliver();
    ns3::Time Latency();

    uint32_t m_context = 0;
    Node* m_peer = nullptr;
    Progress* m_progress = nullptr;
    ns3::Ptr<ns3::ExponentialRandomVariable> m_random;
    Message m_last{};
};

void
Node::Init(uint32_t context, Node* peer, Progress* progress)
{
    m_context = context;
    m_peer = peer;
    m_progress = progress;
    m_random = ns3::CreateObject<ns3::ExponentialRandomVariable>();
    m_random->SetStream(context);
    m_last.fill(0x5a);
}

ns3::Time
Node::Latency()
{
    double extra = m_random->GetValue(LATENCY_MEAN_EXTRA_NS, 0.0);
    return ns3::NanoSeconds(LATENCY_FLOOR_NS + static_cast<int64_t>(extra));
}

void
Node::SendBuffer(const Message& message)
{
    // The bound event copies the message.
    ns3::Simulator::ScheduleWithContext(m_peer->m_context, Latency(), &Node::OnBuffer, m_peer,
                                        message);
}

void
Node::SendPacket()
{
    auto packet = ns3::Create<ns3::Packet>(m_last.data(), MESSAGE_BYTES);
    ns3::Simulator::ScheduleWithContext(m_peer->m_context, Latency(), &Node::OnPacket, m_peer,
                                        packet);
}

// Counts one delivery; false once no more are wanted.
bool
Node::Deliver()
{
    if (++m_progress->delivered < m_progress->wanted)
    {
        return true;
    }
    m_progress->end = std::chrono::steady_clock::now();
    ns3::Simulator::Stop();
    return false;
}

void
Node::OnBuffer(const Message& message)
{
    m_last = message;
    if (Deliver())
    {
        SendBuffer(m_last);
    }
}

void
Node::OnPacket(ns3::Ptr<ns3::Packet> packet)
{
    packet->CopyData(m_last.data(), MESSAGE_BYTES);
    if (Deliver())
    {
        SendPacket();
    }
}

Options
ParseOptions(int argc, char** argv)
{
    Options options;
    ns3::CommandLine cmd(__FILE__);
    cmd.AddValue("steps", "messages to deliver", options.steps);
    cmd.AddValue("nodes", "nodes, an even number", options.nodes);
    cmd.AddValue("seed", "seed of ns-3's random streams, above 0", options.seed);
    cmd.AddValue("scheduler", "type of ns-3's event queue", options.scheduler);
    cmd.AddValue("payload", "buffer or packet", options.payload);
    cmd.Parse(argc, argv);
    bool known = options.payload == "buffer" || options.payload == "packet";
    if (options.steps == 0 || options.nodes < 2 || options.nodes % 2 != 0 || options.seed == 0 ||
        !known)
    {
        std::cerr << "engine-ns3: steps and seed must be above 0, nodes even and above 0,"
                     " payload buffer or packet\n";
        std::exit(1);
    }
    return options;
}

} // namespace

int
main(int argc, char** argv)
{
    const Options options = ParseOptions(argc, argv);
    ns3::RngSeedManager::SetSeed(options.seed);
    ns3::ObjectFactory scheduler(options.scheduler);
    ns3::Simulator::SetScheduler(scheduler);

    Progress progress;
    progress.wanted = options.steps;
    std::vector<Node> nodes(options.nodes);
    for (uint32_t i = 0; i < options.nodes; i++)
    {
        nodes[i].Init(i, &nodes[i ^ 1U], &progress);
    }
    Message message;
    message.fill(0x5a);
    for (uint32_t i = 0; i < options.nodes; i += 2)
    {
        if (options.payload == "packet")
        {
            nodes[i].SendPacket();
        }
        else
        {
            nodes[i].SendBuffer(message);
        }
    }

    auto begin = std::chrono::steady_clock::now();
    ns3::Simulator::Run();
    double seconds = std::chrono::duration<double>(progress.end - begin).count();
    ns3::Simulator::Destroy();

    if (progress.delivered != progress.wanted)
    {
        std::cerr << "engine-ns3: delivered " << progress.delivered << " messages, wanted "
                  << progress.wanted << "\n";
        return 1;
    }
    std::printf("{\"bench\":\"engine\",\"peer\":\"ns3\",\"steps\":%llu,\"seconds\":%.6f,"
                "\"steps_per_second\":%.1f}\n",
                static_cast<unsigned long long>(progress.delivered), seconds,
                static_cast<double>(progress.delivered) / seconds);
    return 0;
}
