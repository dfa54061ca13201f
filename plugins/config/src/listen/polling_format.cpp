#include "listen/polling_format.hpp"

#include <pharos/protocol/params.hpp>

namespace pharos::config {

namespace {

constexpr char kWord = '\x02';
constexpr char kLine = '\x01';
constexpr std::size_t kMostWords = 4;

}  // namespace

ParsedListening parse_listening(std::string_view field, std::size_t most) {
    ParsedListening parsed;
    if (protocol::trimmed(field).empty()) {
        parsed.error = "invalid probeModify";
        return parsed;
    }
    const std::string decoded = protocol::decode_form(field);
    std::string_view text = decoded;
    for (std::size_t end = text.find(kLine); end != std::string_view::npos; end = text.find(kLine)) {
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        std::vector<std::string_view> words;
        for (std::size_t at = line.find(kWord); at != std::string_view::npos && words.size() < kMostWords;
             at = line.find(kWord)) {
            words.push_back(line.substr(0, at));
            line.remove_prefix(at + 1);
        }
        words.push_back(line);
        if (words.size() < 2 || words.size() > kMostWords) {
            parsed.error = "invalid probeModify";
            return parsed;
        }
        if (parsed.entries.size() == most) {
            parsed.too_many = true;
            parsed.error =
                "invalid probeModify: it has more than " + std::to_string(most) + " configs (config.max_listened)";
            return parsed;
        }
        words.resize(kMostWords);
        parsed.entries.push_back(
            {std::string(words[0]), std::string(words[1]), std::string(words[3]), std::string(words[2])});
    }
    return parsed;
}

void append_changed(std::string& body, const Listened& changed) {
    body += protocol::encode_uri(changed.data_id);
    body += "%02";
    body += protocol::encode_uri(changed.group);
    if (!protocol::trimmed(changed.tenant).empty()) {
        body += "%02";
        body += protocol::encode_uri(changed.tenant);
    }
    body += "%01";
}

int version_number(std::string_view client_version) {
    constexpr int kDefault = 200;
    constexpr int kLimit = 100'000;
    int number = 0;
    bool any = false;
    for (const char c : client_version) {
        if (c >= '0' && c <= '9' && number < kLimit) {
            number = number * 10 + (c - '0');
            any = true;
        } else if (c != '.') {
            return kDefault;
        }
    }
    return any ? number : kDefault;
}

}  // namespace pharos::config
