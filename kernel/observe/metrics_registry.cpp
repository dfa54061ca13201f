#include "observe/metrics_registry.hpp"

#include <charconv>
#include <cmath>

namespace pharos::observe {

namespace {

/// {a="1",b="x\"y"} or "".
std::string label_text(const spi::Labels& labels) {
    if (labels.empty()) {
        return {};
    }
    std::string text = "{";
    for (const auto& [name, value] : labels) {
        text += text.size() > 1 ? "," : "";
        text += name + "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"') {
                text += '\\';
            }
            text += c == '\n' ? std::string("\\n") : std::string(1, c);
        }
        text += '"';
    }
    return text + "}";
}

void append_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        return;
    }
    char text[40];
    const char* end = std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, static_cast<std::size_t>(end - text));
}

}  // namespace

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help, bool is_counter) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.emplace(std::string(name), Family{std::string(help), is_counter, {}, {}}).first;
    }
    return found->second;
}

spi::Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, const spi::Labels& labels) {
    std::lock_guard lock(mutex_);
    auto& slot = family(name, help, true).counters[label_text(labels)];
    if (slot == nullptr) {
        slot = std::make_unique<spi::Counter>();
    }
    return *slot;
}

spi::Registration MetricsRegistry::gauge(std::string_view name, std::string_view help, const spi::Labels& labels,
                                         spi::UniqueFunction<double()> read) {
    return add_reading(name, help, false, labels, std::move(read));
}

spi::Registration MetricsRegistry::counter_of(std::string_view name, std::string_view help, const spi::Labels& labels,
                                              spi::UniqueFunction<double()> read) {
    return add_reading(name, help, true, labels, std::move(read));
}

spi::Registration MetricsRegistry::add_reading(std::string_view name, std::string_view help, bool is_counter,
                                               const spi::Labels& labels, spi::UniqueFunction<double()> read) {
    std::lock_guard lock(mutex_);
    std::string key(name);
    std::string series = label_text(labels);
    const std::uint64_t number = ++last_number_;
    family(name, help, is_counter).readings.insert_or_assign(series, Reading{number, std::move(read)});
    return spi::Registration([this, key = std::move(key), series = std::move(series), number] {
        std::lock_guard undo(mutex_);
        auto& readings = families_.find(key)->second.readings;
        const auto found = readings.find(series);
        if (found != readings.end() && found->second.number == number) {
            readings.erase(found);
        }
    });
}

std::string MetricsRegistry::exposition() {
    std::string out;
    std::lock_guard lock(mutex_);
    for (auto& [name, family] : families_) {
        if (family.counters.empty() && family.readings.empty()) {
            continue;
        }
        out +=
            "# HELP " + name + " " + family.help + "\n# TYPE " + name + (family.is_counter ? " counter\n" : " gauge\n");
        for (const auto& [labels, counter] : family.counters) {
            out += name + labels + " " + std::to_string(counter->value()) + "\n";
        }
        for (auto& [labels, reading] : family.readings) {
            out += name + labels + " ";
            append_number(out, reading.read());
            out += '\n';
        }
    }
    return out;
}

}  // namespace pharos::observe
