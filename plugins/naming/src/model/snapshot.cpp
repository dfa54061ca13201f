#include "model/snapshot.hpp"

#include <algorithm>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

namespace {

/// Texts up to this size are counted in the budget.
constexpr std::size_t kSmallText = 8 * 1024;

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

ServiceSnapshot::Encoded ServiceSnapshot::encode(const Selection& selection) const {
    const auto in_scope = [&](const Instance& instance) {
        return (!selection.enabled_only || instance.enabled) &&
               (selection.clusters.empty() || lists(selection.clusters, instance.cluster));
    };
    const auto is_selected = [&](const Instance& instance) {
        return in_scope(instance) && (!selection.healthy_only || instance.healthy);
    };
    Encoded encoded;
    std::size_t size = 0;
    std::size_t healthy = 0;
    std::size_t selected = 0;
    for (const HostPtr& host : hosts_) {
        const Instance& instance = host->instance();
        healthy += in_scope(instance) && instance.healthy ? 1u : 0u;
        if (is_selected(instance)) {
            ++selected;
            size += host->json().size() + 1;
        }
    }
    // A label selector would come here: without a CMDB all pass (protocol/naming.md §1.7). 0 of 0 is not reached.
    encoded.reach_protection_threshold = metadata_ != nullptr && selected != 0 &&
                                         static_cast<float>(healthy) / static_cast<float>(selected) <=
                                             static_cast<float>(std::max(0.0, metadata_->protect_threshold));
    encoded.json.reserve(size);
    for (const HostPtr& host : hosts_) {
        if (is_selected(host->instance())) {
            encoded.json += encoded.json.empty() ? "" : ",";
            if (encoded.reach_protection_threshold) {
                host->append_healthy_json(encoded.json);
            } else {
                encoded.json += host->json();
            }
        }
    }
    return encoded;
}

std::shared_ptr<const ServiceSnapshot::Encoded> ServiceSnapshot::shared_text() const {
    if (!used_.load(std::memory_order_relaxed)) {
        used_.store(true, std::memory_order_relaxed);
    }
    std::shared_ptr<const Encoded> text = kept_text_.load();
    return text != nullptr ? text : make_shared_text();
}

std::shared_ptr<const ServiceSnapshot::Encoded> ServiceSnapshot::make_shared_text() const {
    std::lock_guard lock(making_);
    std::shared_ptr<const Encoded> text = kept_text_.load();
    if (text == nullptr) {
        text = used_text_.lock();
    }
    if (text != nullptr) {
        return text;
    }
    text = std::make_shared<const Encoded>(encode({}));
    const std::size_t size = text->json.size();
    const bool counts = budget_ != nullptr && size <= kSmallText;
    if (!counts || budget_->take(size)) {
        taken_ = counts ? size : 0;
        kept_text_.store(text);
    } else {
        used_text_ = text;
    }
    return text;
}

void ServiceSnapshot::give_back() const noexcept {
    if (taken_ != 0) {
        budget_->give(std::exchange(taken_, 0));
    }
}

SelectedHosts ServiceSnapshot::select(const Selection& selection) const {
    const bool is_special = !selection.clusters.empty() || selection.healthy_only || !selection.enabled_only;
    std::shared_ptr<const Encoded> text =
        is_special ? std::make_shared<const Encoded>(encode(selection)) : shared_text();
    const bool reached = text->reach_protection_threshold;
    const std::string* json = &text->json;
    return {{std::move(text), json}, reached};
}

const InstanceOverride* ServiceSnapshot::find_override(std::string_view ip, std::uint16_t port,
                                                       std::string_view cluster) const {
    if (overrides_ == nullptr) {
        return nullptr;
    }
    const auto found = overrides_->find(override_tag(ip, port, cluster));
    return found == overrides_->end() ? nullptr : &found->second;
}

void ServiceSnapshot::drop_unused_text() const noexcept {
    if (!used_.exchange(false, std::memory_order_relaxed)) {
        std::lock_guard lock(making_);
        kept_text_.store(nullptr);
        give_back();
    }
}

void append_info_head(std::string& out, std::string_view name, std::string_view group, std::string_view clusters,
                      std::int64_t cache_ms) {
    out += R"({"name":)";
    sdk::JsonWriter::append_quoted(out, name);
    out += R"(,"groupName":)";
    sdk::JsonWriter::append_quoted(out, group);
    out += R"(,"clusters":)";
    sdk::JsonWriter::append_quoted(out, clusters);
    out += R"(,"cacheMillis":)";
    out += std::to_string(cache_ms);
    out += R"(,"hosts":[)";
}

void append_info_tail(std::string& out, std::int64_t last_ref_time, bool reach_protection_threshold) {
    out += R"(],"lastRefTime":)";
    out += std::to_string(last_ref_time);
    // Both spellings of allIps: SDKs of different ages read one or the other (protocol/naming.md §2.1).
    out += R"(,"checksum":"","allIps":false,"allIPs":false,"reachProtectionThreshold":)";
    out += reach_protection_threshold ? "true" : "false";
    out += R"(,"valid":true})";
}

}  // namespace pharos::naming
