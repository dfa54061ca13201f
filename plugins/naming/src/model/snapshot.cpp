#include "model/snapshot.hpp"

#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

namespace {

/// Whether the comma-separated list holds the name; no trimming, as in the reference.
bool lists(std::string_view list, std::string_view name) {
    for (;;) {
        const std::size_t end = list.find(',');
        if (list.substr(0, end) == name) {
            return true;
        }
        if (end == std::string_view::npos) {
            return false;
        }
        list.remove_prefix(end + 1);
    }
}

}  // namespace

std::string ServiceSnapshot::encode(std::string_view clusters, bool healthy_only) const {
    std::string out;
    std::size_t size = 0;
    for (const HostPtr& host : hosts_) {
        size += host->json().size() + 1;
    }
    out.reserve(size);
    for (const HostPtr& host : hosts_) {
        const Instance& instance = host->instance();
        if (!instance.enabled || (healthy_only && !instance.healthy) ||
            (!clusters.empty() && !lists(clusters, instance.cluster))) {
            continue;
        }
        out += out.empty() ? "" : ",";
        out += host->json();
    }
    return out;
}

std::shared_ptr<const std::string> ServiceSnapshot::hosts_json(std::string_view clusters, bool healthy_only) const {
    if (!clusters.empty() || healthy_only) {
        return std::make_shared<const std::string>(encode(clusters, healthy_only));
    }
    if (!used_.load(std::memory_order_relaxed)) {
        used_.store(true, std::memory_order_relaxed);
    }
    std::shared_ptr<const std::string> text = text_.load();
    if (text == nullptr) {
        text = std::make_shared<const std::string>(encode({}, false));
        text_.store(text);
    }
    return text;
}

void ServiceSnapshot::drop_unused_text() const noexcept {
    if (!used_.exchange(false, std::memory_order_relaxed)) {
        text_.store(nullptr);
    }
}

void append_info_head(std::string& out, std::string_view name, std::string_view group, std::string_view clusters) {
    out += R"({"name":)";
    sdk::JsonWriter::append_quoted(out, name);
    out += R"(,"groupName":)";
    sdk::JsonWriter::append_quoted(out, group);
    out += R"(,"clusters":)";
    sdk::JsonWriter::append_quoted(out, clusters);
    out += R"(,"cacheMillis":10000,"hosts":[)";
}

void append_info_tail(std::string& out, std::int64_t last_ref_time) {
    out += R"(],"lastRefTime":)";
    out += std::to_string(last_ref_time);
    // Both spellings of allIps: SDKs of different ages read one or the other (protocol/naming.md §2.1).
    out += R"(,"checksum":"","allIps":false,"allIPs":false,"reachProtectionThreshold":false,"valid":true})";
}

}  // namespace pharos::naming
