#include "model/service_metadata.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include <boost/json/serialize.hpp>

#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>

#include "model/codec.hpp"

namespace pharos::naming {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kVersionWithForeign = 2;

bool has_foreign(const ServiceMetadata& metadata) {
    return std::any_of(metadata.clusters.begin(), metadata.clusters.end(),
                       [](const auto& entry) { return !entry.second.checker.foreign.empty(); });
}

/// JSON, which was parsed before, without the blanks between its parts. Numbers stay as they are written.
std::string without_layout(std::string_view json) {
    std::string out;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_text && c == '\\') {
            out += c;
            out += json[++i];
            continue;
        }
        in_text = in_text != (c == '"');
        if (in_text || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
            out += c;
        }
    }
    return out;
}

void append(ByteWriter& bytes, const HealthChecker& checker, std::uint8_t version) {
    bytes.text(checker.type);
    bytes.text(checker.path);
    bytes.text(checker.headers);
    bytes.number(static_cast<std::uint32_t>(checker.expected_response_code), 4);
    bytes.text(checker.user);
    bytes.text(checker.password);
    bytes.text(checker.command);
    if (version == kVersionWithForeign) {
        bytes.text(checker.foreign);
    }
}

HealthChecker take_checker(ByteReader& bytes, std::uint64_t version) {
    HealthChecker checker;
    checker.type = bytes.text();
    checker.path = bytes.text();
    checker.headers = bytes.text();
    checker.expected_response_code = static_cast<std::int32_t>(bytes.number(4));
    checker.user = bytes.text();
    checker.password = bytes.text();
    checker.command = bytes.text();
    if (version == kVersionWithForeign) {
        checker.foreign = bytes.text();
    }
    return checker;
}

std::string without_blanks(std::string_view text) {
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out),
                 [](unsigned char c) { return c > ' ' && c != 0x7F; });
    return out;
}

/// The labels of `CONSUMER.label.X=PROVIDER.label.X` terms joined by `&`; nothing when it is something else.
std::optional<std::vector<std::string>> labels_of(std::string_view expression) {
    constexpr std::string_view kConsumer = "CONSUMER.label.";
    constexpr std::string_view kProvider = "PROVIDER.label.";
    const std::string text = without_blanks(expression);
    std::string_view rest = text;
    std::vector<std::string> labels;
    for (bool more = !rest.empty(); more;) {
        const std::size_t end = rest.find('&');
        std::string_view term = rest.substr(0, end);
        more = end != std::string_view::npos;
        rest.remove_prefix(more ? end + 1 : rest.size());
        const std::size_t equals = term.find('=');
        if (equals == std::string_view::npos) {
            return std::nullopt;
        }
        std::string_view left = term.substr(0, equals);
        std::string_view right = term.substr(equals + 1);
        if (!left.starts_with(kConsumer) || !right.starts_with(kProvider)) {
            return std::nullopt;
        }
        left.remove_prefix(kConsumer.size());
        right.remove_prefix(kProvider.size());
        if (left.empty() || left != right) {
            return std::nullopt;
        }
        if (std::find(labels.begin(), labels.end(), left) == labels.end()) {
            labels.emplace_back(left);
        }
    }
    return labels;
}

/// An `int` of the reference.
spi::Result<std::int32_t> response_code_of(const protocol::JsonDocument& document) {
    constexpr std::string_view kName = "expectedResponseCode";
    using Limits = std::numeric_limits<std::int32_t>;
    const std::optional<std::int64_t> code = protocol::integer(document.root(), kName, 200);
    if (code && *code >= Limits::min() && *code <= Limits::max()) {
        return static_cast<std::int32_t>(*code);
    }
    return spi::Status(spi::Code::kInvalidArgument,
                       std::string(kName) + " should be a whole number between " + std::to_string(Limits::min()) +
                           " and " + std::to_string(Limits::max()) +
                           ". (current: " + boost::json::serialize(document.root().at(kName)) + ")");
}

spi::Status no_such_selector() { return {spi::Code::kInvalidArgument, "not match any type of selector!"}; }

}  // namespace

spi::Result<HealthChecker> parse_health_checker(std::string_view json) {
    const protocol::JsonDocument document(json);
    if (document.is_too_deep()) {
        return spi::Status(spi::Code::kInvalidArgument, "it is " + std::string(document.status().message()));
    }
    if (!document.status()) {
        return spi::Status(spi::Code::kInvalidArgument,
                           "it should be a JSON object. (current: " + std::string(json) + ")");
    }
    HealthChecker checker;
    checker.type = document.text("type");
    if (checker.type == "HTTP") {
        checker.path = document.text("path");
        checker.headers = document.text("headers");
        const spi::Result<std::int32_t> code = response_code_of(document);
        if (!code) {
            return code.error();
        }
        checker.expected_response_code = code.value();
    } else if (checker.type == "MYSQL") {
        checker.user = document.text("user");
        checker.password = document.text("pwd");
        checker.command = document.text("cmd");
        const bool has_more = std::any_of(document.root().begin(), document.root().end(), [](const auto& member) {
            constexpr std::string_view kKnown[] = {"type", "user", "pwd", "cmd"};
            return std::find(std::begin(kKnown), std::end(kKnown), std::string_view(member.key())) == std::end(kKnown);
        });
        if (has_more) {
            checker.foreign = without_layout(json);
        }
    } else if (checker.type.empty()) {
        checker.type = "NONE";
    } else if (checker.type != "TCP" && checker.type != "NONE") {
        checker.foreign = without_layout(json);
    }
    return checker;
}

void append_json(sdk::JsonWriter& json, const HealthChecker& checker) {
    if (!checker.foreign.empty()) {
        json.raw(checker.foreign);
        return;
    }
    json.begin_object().member("type", checker.type);
    if (checker.type == "HTTP") {
        json.member("path", checker.path).member("headers", checker.headers);
        json.member("expectedResponseCode", checker.expected_response_code);
    } else if (checker.type == "MYSQL") {
        json.member("user", checker.user).member("pwd", checker.password).member("cmd", checker.command);
    }
    json.end_object();
}

spi::Result<Selector> parse_selector(std::string_view text) {
    if (protocol::trimmed(text).empty()) {
        return Selector{};
    }
    const protocol::JsonDocument as_given(text);
    if (as_given.is_too_deep()) {
        return as_given.status();
    }
    const std::string once_more = as_given.status() ? std::string() : protocol::decode_form(text);
    std::optional<protocol::JsonDocument> decoded;
    const protocol::JsonDocument& document = as_given.status() ? as_given : decoded.emplace(once_more);
    if (!document.status()) {
        return no_such_selector();
    }
    const std::string_view type = document.text("type");
    if (type == "none") {
        return Selector{};
    }
    if (type != "label") {
        return no_such_selector();
    }
    Selector selector;
    selector.type = Selector::Type::kLabel;
    selector.expression = document.text("expression");
    std::optional<std::vector<std::string>> labels = labels_of(selector.expression);
    if (!labels) {
        return spi::Status(spi::Code::kInternal, "Selector parses failed: parse expression failed!");
    }
    selector.labels = std::move(*labels);
    return selector;
}

void append_json(sdk::JsonWriter& json, const Selector& selector) {
    json.begin_object();
    if (selector.type == Selector::Type::kNone) {
        json.member("type", "none").member("contextType", "NONE").end_object();
        return;
    }
    json.member("type", "label").member("expression", selector.expression).key("labels").begin_array();
    for (const std::string& label : selector.labels) {
        json.value(label);
    }
    json.end_array().member("contextType", "CMDB").end_object();
}

std::string encode(const ServiceMetadata& metadata) {
    const std::uint8_t version = has_foreign(metadata) ? kVersionWithForeign : kVersion;
    std::string out;
    ByteWriter bytes(out);
    bytes.number(version, 1);
    bytes.boolean(metadata.ephemeral);
    bytes.real(metadata.protect_threshold);
    bytes.number(static_cast<std::uint8_t>(metadata.selector.type), 1);
    bytes.text(metadata.selector.expression);
    bytes.count(metadata.selector.labels.size());
    for (const std::string& label : metadata.selector.labels) {
        bytes.text(label);
    }
    bytes.pairs(metadata.data);
    bytes.count(metadata.clusters.size());
    for (const auto& [name, cluster] : metadata.clusters) {
        bytes.text(name);
        bytes.number(cluster.check_port, 2);
        bytes.boolean(cluster.use_instance_port);
        append(bytes, cluster.checker, version);
        bytes.pairs(cluster.data);
    }
    bytes.number(static_cast<std::uint64_t>(metadata.created_ms), 8);
    bytes.number(static_cast<std::uint64_t>(metadata.updated_ms), 8);
    return out;
}

std::optional<ServiceMetadata> decode_service_metadata(std::string_view stored) {
    constexpr std::size_t kSmallestCluster = 43;
    ByteReader bytes(stored);
    const std::uint64_t version = bytes.number(1);
    if (version != kVersion && version != kVersionWithForeign) {
        return std::nullopt;
    }
    ServiceMetadata metadata;
    metadata.ephemeral = bytes.boolean();
    metadata.protect_threshold = bytes.real();
    const std::uint64_t selector = bytes.number(1);
    if (selector > static_cast<std::uint8_t>(Selector::Type::kLabel)) {
        return std::nullopt;
    }
    metadata.selector.type = static_cast<Selector::Type>(selector);
    metadata.selector.expression = bytes.text();
    for (std::size_t left = bytes.count(4); left > 0 && bytes.ok(); --left) {
        metadata.selector.labels.emplace_back(bytes.text());
    }
    metadata.data = bytes.pairs();
    for (std::size_t left = bytes.count(kSmallestCluster); left > 0 && bytes.ok(); --left) {
        std::string name(bytes.text());
        if (!metadata.clusters.empty() && metadata.clusters.rbegin()->first >= name) {
            return std::nullopt;
        }
        ClusterMetadata cluster;
        cluster.check_port = static_cast<std::uint16_t>(bytes.number(2));
        cluster.use_instance_port = bytes.boolean();
        cluster.checker = take_checker(bytes, version);
        cluster.data = bytes.pairs();
        metadata.clusters.emplace_hint(metadata.clusters.end(), std::move(name), std::move(cluster));
    }
    metadata.created_ms = static_cast<std::int64_t>(bytes.number(8));
    metadata.updated_ms = static_cast<std::int64_t>(bytes.number(8));
    // One record has one form: without such a checker it is version 1.
    const bool fits = bytes.ended() && (version == kVersionWithForeign) == has_foreign(metadata);
    return fits ? std::optional(std::move(metadata)) : std::nullopt;
}

}  // namespace pharos::naming
