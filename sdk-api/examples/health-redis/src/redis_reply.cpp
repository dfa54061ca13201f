#include "redis_reply.hpp"

#include <initializer_list>
#include <optional>

namespace health_redis {

namespace {

using Outcome = pharos::spi::ProbeResult::Outcome;

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
    out += "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
        out += "$" + std::to_string(word.size()) + "\r\n";
        out.append(word).append("\r\n");
    }
}

/// Takes one line off the front, without its end; nothing when it has not arrived yet.
std::optional<std::string_view> take_line(std::string_view& rest) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

Reply failed(Outcome outcome, std::string reason) { return {true, {outcome, std::move(reason)}}; }

Reply refused(std::string_view line) {
    // A server that loads its data, or a replica without its master, may soon be well again; what else is an error will
    // not go away by itself.
    const bool passing = line.starts_with("-LOADING") || line.starts_with("-MASTERDOWN") || line.starts_with("-BUSY");
    return failed(passing ? Outcome::kFailed : Outcome::kFailedNow, "redis answers " + std::string(line.substr(1)));
}

Reply strange(std::string_view line) {
    return failed(Outcome::kFailedNow, "what answers is no redis: '" + std::string(line.substr(0, 40)) + "'");
}

}  // namespace

std::string encode(const Question& question) {
    std::string out;
    if (!question.password.empty()) {
        if (question.user.empty()) {
            append_command(out, {"AUTH", question.password});
        } else {
            append_command(out, {"AUTH", question.user, question.password});
        }
    }
    append_command(out, {question.role.empty() ? "PING" : "ROLE"});
    return out;
}

Reply read_reply(const Question& question, std::string_view received) {
    std::string_view rest = received;
    std::optional<std::string_view> line;
    if (!question.password.empty()) {
        line = take_line(rest);
        if (!line) {
            return {};
        }
        if (*line != "+OK") {
            return line->starts_with('-') ? refused(*line) : strange(*line);
        }
    }
    line = take_line(rest);
    if (!line) {
        return {};
    }
    if (line->starts_with('-')) {
        return refused(*line);
    }
    if (question.role.empty()) {
        return *line == "+PONG" ? Reply{true, {}} : strange(*line);
    }
    // ROLE answers an array whose first element is the role, a bulk string; the rest does not matter.
    if (!line->starts_with('*')) {
        return strange(*line);
    }
    const std::optional<std::string_view> length = take_line(rest);
    const std::optional<std::string_view> role = length ? take_line(rest) : std::nullopt;
    if (!role) {
        return {};
    }
    if (!length->starts_with('$')) {
        return strange(*length);
    }
    if (*role != question.role) {
        return failed(Outcome::kFailed, "its role is " + std::string(*role) + ", wanted is " + question.role);
    }
    return {true, {}};
}

}  // namespace health_redis
