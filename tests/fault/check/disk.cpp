#include "disk.hpp"

#include <algorithm>
#include <cstring>

namespace pharos::fault {

namespace {

constexpr std::size_t kSector = 512;

}  // namespace

void Disk::play_until(std::uint64_t place) {
    while (place_ + sizeof(Entry) <= std::min<std::uint64_t>(place, recording_.size())) {
        Entry entry{};
        std::memcpy(&entry, recording_.data() + place_, sizeof entry);
        const std::uint64_t begin = place_ + sizeof entry;
        if (entry.size > recording_.size() - begin) {
            return;  // the process was killed while it recorded this
        }
        apply(entry, recording_.substr(begin, entry.size), place_);
        place_ = begin + (entry.size + 7) / 8 * 8;
    }
}

void Disk::apply(std::string& contents, const Change& change) {
    if (!change.bytes) {
        contents.resize(change.offset);
        return;
    }
    if (contents.size() < change.offset + change.bytes->size()) {
        contents.resize(change.offset + change.bytes->size());
    }
    std::copy(change.bytes->begin(), change.bytes->end(),
              contents.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void Disk::apply(const Entry& entry, std::string_view bytes, std::uint64_t place) {
    const std::string text(bytes.substr(0, std::min<std::size_t>(bytes.size(), 8192)));
    switch (entry.kind) {
        case Kind::kOpen: {
            std::shared_ptr<File>& file = names_[text];
            if (file == nullptr) {
                file = std::make_shared<File>();
            }
            opened_[entry.file] = file;
            opened_as_[entry.file] = text;
            break;
        }
        case Kind::kWrite: opened_[entry.file]->pending.push_back({place, entry.offset, bytes}); break;
        case Kind::kSize: opened_[entry.file]->pending.push_back({place, entry.offset, std::nullopt}); break;
        case Kind::kSync: {
            File& file = *opened_[entry.file];
            std::uint64_t only = 0;
            if (bytes.size() == sizeof only) {
                std::memcpy(&only, bytes.data(), sizeof only);
            }
            std::vector<Change> left;
            for (const Change& change : file.pending) {
                if (bytes.empty() ? change.place < entry.offset : change.place == only) {
                    apply(file.synced, change);
                } else {
                    left.push_back(change);
                }
            }
            file.pending = std::move(left);
            break;
        }
        case Kind::kRename: {
            const std::size_t end = text.find('\0');
            const std::string from = text.substr(0, end);
            const std::string to = text.substr(end + 1);
            if (const auto found = names_.find(from); found != names_.end()) {
                names_[to] = found->second;
                names_.erase(from);
            } else if (folders_.erase(from) != 0) {
                folders_.insert(to);
            }
            break;
        }
        case Kind::kRemove:
            names_.erase(text);
            folders_.erase(text);
            break;
        case Kind::kFolder: folders_.insert(text); break;
        case Kind::kMapped: mapped_.insert(opened_as_[entry.file]); break;
    }
}

std::map<std::string, std::string> Disk::after_cut(Loss loss, std::uint64_t seed) const {
    std::mt19937_64 random(seed);
    std::map<std::string, std::string> files;
    for (const auto& [name, file] : names_) {
        std::string contents = file->synced;
        std::size_t count = file->pending.size();
        if (loss == Loss::kAll) {
            count = 0;
        } else if (loss == Loss::kTail && count > 0) {
            count = random() % (count + 1);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const Change& change = file->pending[i];
            const bool whole = loss == Loss::kNothing || loss == Loss::kTail || !change.bytes;
            if (whole || loss == Loss::kWrites) {
                if ((whole && change.bytes) || random() % 2 == 0) {
                    apply(contents, change);
                }
                continue;
            }
            for (std::size_t at = 0; at < change.bytes->size();) {
                const std::uint64_t begin = change.offset + at;
                const std::size_t size = std::min<std::size_t>(kSector - begin % kSector, change.bytes->size() - at);
                if (random() % 2 == 0) {
                    apply(contents, {change.place, begin, change.bytes->substr(at, size)});
                }
                at += size;
            }
        }
        files[name] = std::move(contents);
    }
    return files;
}

}  // namespace pharos::fault
