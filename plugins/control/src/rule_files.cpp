#include "rule_files.hpp"

#include <fstream>
#include <iterator>

namespace pharos::control {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kLargestFile = 64 << 10;
constexpr std::size_t kMostFiles = 1000;
}  // namespace

void RuleFiles::start() {
    read();
    arm();
}

void RuleFiles::arm() {
    executors_.timers().after(interval_, [this] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.block().post([this, pass = std::move(pass)] {
                read();
                arm();
            });
        }
    });
}

std::string RuleFiles::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

spi::Result<std::optional<std::string>> RuleFiles::content(const fs::path& file) {
    std::error_code error;
    if (!fs::exists(file, error)) {
        return std::optional<std::string>();
    }
    if (!fs::is_regular_file(file, error)) {  // a pipe would block whoever reads it
        return spi::Status(spi::Code::kInvalidArgument, "is not a file");
    }
    const std::uintmax_t size = fs::file_size(file, error);
    if (size > kLargestFile) {
        return spi::Status(spi::Code::kTooLarge,
                           "has " + std::to_string(size) + " bytes, allowed are " + std::to_string(kLargestFile));
    }
    std::ifstream stream(file, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (!stream.is_open() || stream.bad()) {
        return spi::Status(spi::Code::kInternal, "can't be read");
    }
    return std::optional(std::move(text));
}

template <class Parsed>
bool RuleFiles::take(const fs::path& file, spi::Result<Parsed> (*parse)(std::string_view),
                     std::map<std::string, Parsed>& good, Parsed& rule, std::string& trouble) {
    const auto text = content(file);
    if (text && !text.value()) {
        good.erase(file.string());
        return false;
    }
    spi::Result<Parsed> parsed = text ? parse(*text.value()) : spi::Result<Parsed>(text.error());
    if (parsed) {
        good[file.string()] = rule = std::move(parsed.value());
        return true;
    }
    trouble += (trouble.empty() ? "" : "; ") + file.string() + ": " + parsed.error().message();
    const auto last = good.find(file.string());
    if (last != good.end()) {
        rule = last->second;
    }
    return last != good.end();
}

void RuleFiles::read() {
    Rules rules;
    std::string trouble;
    take(directory_ / "connection" / "limitRule", &parse_connection_file, good_connections_, rules.connections,
         trouble);
    std::error_code error;
    std::size_t count = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_ / "tps", error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with('.')) {
            continue;  // what editors leave behind
        }
        if (++count > kMostFiles) {
            trouble += "more than " + std::to_string(kMostFiles) + " files in " + (directory_ / "tps").string();
            break;
        }
        Rule rule;
        if (take(entry.path(), &parse_rule_file, good_, rule, trouble)) {
            rules.points[name] = rule;
        }
    }
    if (rules != shown_) {
        controller_.set_files(rules);
        shown_ = std::move(rules);
        log_.info("limits read", spi::kv("directory", directory_.string()), spi::kv("points", shown_.points.size()),
                  spi::kv("connections", shown_.connections.count_limit));
    }
    const std::lock_guard lock(mutex_);
    if (trouble != trouble_ && !trouble.empty()) {
        log_.error("limits not understood, the last good ones hold", spi::kv("reason", trouble));
    }
    trouble_ = std::move(trouble);
}

}  // namespace pharos::control
