#include "listen/probe.hpp"

#include <pharos/protocol/params.hpp>

#include "model/rules.hpp"

namespace pharos::config {

namespace {

constexpr char kWordEnd = '\x02';
constexpr char kLineEnd = '\x01';

}  // namespace

spi::Result<std::vector<Probe>> parse_probes(std::string_view text) {
    std::vector<Probe> probes;
    for (;;) {
        const std::size_t end = text.find(kLineEnd);
        if (end == std::string_view::npos) {
            return probes;  // what is not terminated is ignored
        }
        std::string_view words[4];
        std::size_t count = 0;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        for (;;) {
            const std::size_t stop = line.find(kWordEnd);
            if (count == 4) {
                return spi::Status(spi::Code::kInvalidArgument, "invalid probeModify");
            }
            words[count++] = line.substr(0, stop);
            if (stop == std::string_view::npos) {
                break;
            }
            line.remove_prefix(stop + 1);
        }
        if (count < 2) {
            return spi::Status(spi::Code::kInvalidArgument, "invalid probeModify");
        }
        if (protocol::CheckFailure failure = check_names(words[3], words[1], words[0])) {
            return spi::Status(spi::Code::kInvalidArgument, *failure);
        }
        if (probes.size() == kMaxProbes) {
            return spi::Status(spi::Code::kInvalidArgument, "invalid probeModify");
        }
        const bool blank = is_blank(words[3]);
        probes.push_back({ConfigKey(words[3], words[1], words[0]), std::string(blank ? std::string_view() : words[3]),
                          std::string(words[2])});
    }
}

void append_changed(std::string& body, const Probe& probe) {
    body += protocol::encode_uri(probe.key.data_id());
    body += "%02";
    body += protocol::encode_uri(probe.key.group());
    if (!probe.tenant.empty()) {
        body += "%02";
        body += protocol::encode_uri(probe.tenant);
    }
    body += "%01";
}

}  // namespace pharos::config
