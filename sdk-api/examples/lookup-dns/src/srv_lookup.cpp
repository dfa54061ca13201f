#include "srv_lookup.hpp"

#include <algorithm>

namespace lookup_dns {

namespace spi = pharos::spi;

spi::Status SrvLookup::start(Sink sink) noexcept {
    if (options_.name.empty()) {
        return {spi::Code::kInvalidArgument,
                "lookup-dns.name is empty; set it to the name of the SRV records, such as _pharos._tcp.example.com"};
    }
    sink_ = std::move(sink);
    ask();
    return {};
}

void SrvLookup::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        executors_.timers().cancel(timer_);
    }
    // A round that is under way will find the gate closed and tell nobody.
    gate_.close(options_.timeout);
}

std::string SrvLookup::trouble() const {
    std::lock_guard lock(mutex_);
    return trouble_;
}

void SrvLookup::ask() {
    const pharos::sdk::Gate::Pass open = gate_.enter();
    if (!open) {
        return;
    }
    auto round = std::make_shared<Round>();
    net_.resolve_srv(options_.name, options_.timeout, [this, round](spi::Result<std::vector<spi::SrvRecord>> records) {
        if (!records) {
            end(round, records.error());
            return;
        }
        round->records = std::move(records.value());
        ask_address(round, 0);
    });
}

void SrvLookup::ask_address(RoundPtr round, std::size_t index) {
    if (index == round->records.size()) {
        end(round, {});
        return;
    }
    net_.resolve(round->records[index].host, options_.timeout,
                 [this, round, index](spi::Result<std::vector<std::string>> addresses) {
                     if (!addresses) {
                         end(round, addresses.error());
                         return;
                     }
                     round->found.push_back({addresses->front(), round->records[index].port});
                     ask_address(round, index + 1);
                 });
}

void SrvLookup::end(RoundPtr round, const spi::Status& status) {
    const pharos::sdk::Gate::Pass open = gate_.enter();
    if (!open) {
        return;
    }
    const std::string trouble = status ? "" : options_.name + ": " + status.message();
    bool is_new = false;
    {
        std::lock_guard lock(mutex_);
        is_new = trouble != trouble_;
        trouble_ = trouble;
    }
    if (status) {
        std::sort(round->found.begin(), round->found.end(),
                  [](const auto& a, const auto& b) { return std::pair(a.host, a.port) < std::pair(b.host, b.port); });
        round->found.erase(std::unique(round->found.begin(), round->found.end()), round->found.end());
        sink_(std::move(round->found));
    } else if (is_new) {
        log_.warn("members not found, the last list holds", spi::kv("reason", trouble));
    }
    arm();
}

void SrvLookup::arm() {
    std::lock_guard lock(mutex_);
    timer_ = executors_.timers().after(options_.interval, [this] { ask(); });
}

}  // namespace lookup_dns
