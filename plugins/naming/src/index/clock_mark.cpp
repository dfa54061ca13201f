#include "index/clock_mark.hpp"

#include <charconv>
#include <memory>
#include <optional>
#include <string>

namespace pharos::naming {

namespace {
constexpr const char* kKey = "naming/clock";
}

void ClockMark::restore() {
    const std::unique_ptr<spi::KvSnapshot> snapshot = store_ == nullptr ? nullptr : store_->snapshot();
    if (const std::optional<std::string_view> text = snapshot == nullptr ? std::nullopt : snapshot->get(kKey)) {
        std::int64_t mark = 0;
        std::from_chars(text->data(), text->data() + text->size(), mark);
        clock_.observe(mark);
    }
    save();
}

void ClockMark::save() {
    if (store_ != nullptr) {
        spi::KvBatch batch;
        batch.ops.push_back({kKey, std::to_string(clock_.next() + kAheadMs)});
        store_->write(std::move(batch), spi::Durability::kLazy, [](spi::Result<bool>) {});
    }
}

}  // namespace pharos::naming
