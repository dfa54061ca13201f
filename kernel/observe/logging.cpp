#include "observe/logging.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <map>
#include <mutex>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::observe {

namespace {

spdlog::level::level_enum to_spdlog(spi::LogLevel level) {
    switch (level) {
        case spi::LogLevel::kDebug: return spdlog::level::debug;
        case spi::LogLevel::kInfo: return spdlog::level::info;
        case spi::LogLevel::kWarn: return spdlog::level::warn;
        case spi::LogLevel::kError: return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

struct Logging::State {
    std::shared_ptr<spdlog::logger> logger;
    std::mutex mutex;  ///< of the next two
    spi::LogLevel level = spi::LogLevel::kInfo;  ///< of parts that are yet to come
    std::map<std::string, std::unique_ptr<PartLog>, std::less<>> parts;
};

class Logging::PartLog final : public spi::Log {
public:
    PartLog(spdlog::logger& logger, std::string part, spi::LogLevel level)
        : logger_(logger), part_(std::move(part)), level_(level) {}

    [[nodiscard]] bool enabled(spi::LogLevel level) const noexcept override {
        return level >= level_.load(std::memory_order_relaxed);
    }
    void set_level(spi::LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }

protected:
    void write(spi::LogLevel level, std::string_view event, const spi::LogField* fields,
               std::size_t count) noexcept override {
        std::string line = part_;
        line += ' ';
        line += event;
        for (std::size_t i = 0; i < count; ++i) {
            append_field(line, fields[i]);
        }
        logger_.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    }

private:
    spdlog::logger& logger_;
    const std::string part_;
    std::atomic<spi::LogLevel> level_;
};

std::optional<spi::LogLevel> level_of(std::string_view name) noexcept {
    using enum spi::LogLevel;
    return name == "debug"   ? std::optional(kDebug)
           : name == "info"  ? std::optional(kInfo)
           : name == "warn"  ? std::optional(kWarn)
           : name == "error" ? std::optional(kError)
                             : std::nullopt;
}

Logging::Logging(const LogSettings& settings) : state_(std::make_unique<State>()) {
    std::shared_ptr<spdlog::sinks::sink> sink;
    try {
        if (settings.file.empty()) {
            sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
        } else {
            sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(settings.file, settings.file_bytes,
                                                                          settings.files);
        }
    } catch (const spdlog::spdlog_ex& error) {
        status_ = {spi::Code::kInvalidArgument, "log file '" + settings.file + "' can't be opened: " + error.what()};
        sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    }
    state_->logger = std::make_shared<spdlog::logger>("pharos", std::move(sink));
    state_->logger->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc));
    state_->logger->flush_on(spdlog::level::info);
    state_->logger->set_level(spdlog::level::trace);  // each part has a level of its own
    if (const std::optional<spi::LogLevel> level = level_of(settings.level)) {
        state_->level = *level;
    } else {
        status_ = {spi::Code::kInvalidArgument,
                   "log level '" + settings.level + "' is none of debug, info, warn, error"};
    }
}

Logging::~Logging() { flush(); }

spi::Log& Logging::of(std::string_view part) {
    std::lock_guard lock(state_->mutex);
    auto found = state_->parts.find(part);
    if (found == state_->parts.end()) {
        auto log = std::make_unique<PartLog>(*state_->logger, std::string(part), state_->level);
        found = state_->parts.emplace(std::string(part), std::move(log)).first;
    }
    return *found->second;
}

spi::Status Logging::set_level(std::string_view part, spi::LogLevel level) {
    std::lock_guard lock(state_->mutex);
    if (part.empty()) {
        state_->level = level;
        for (const auto& [name, log] : state_->parts) {
            log->set_level(level);
        }
        return {};
    }
    const auto found = state_->parts.find(part);
    if (found == state_->parts.end()) {
        std::string known;
        for (const auto& [name, log] : state_->parts) {
            known += (known.empty() ? "" : ", ") + name;
        }
        return {spi::Code::kNotFound, "there is no log '" + std::string(part) + "'; there are: " + known};
    }
    found->second->set_level(level);
    return {};
}

std::vector<std::string> Logging::parts() const {
    std::lock_guard lock(state_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, log] : state_->parts) {
        names.push_back(name);
    }
    return names;
}

void Logging::flush() noexcept { state_->logger->flush(); }

void append_field(std::string& line, const spi::LogField& field) {
    line += ' ';
    line += field.key;
    line += '=';
    bool plain = !field.value.empty();
    for (const char c : field.value) {
        plain = plain && static_cast<unsigned char>(c) > ' ' && c != '"' && c != '\\' && c != '\x7f';
    }
    if (plain) {
        line += field.value;
    } else {
        sdk::JsonWriter::append_quoted(line, field.value);
    }
}

}  // namespace pharos::observe
