#include "app/addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace pharos::app {

namespace {

/// Fills in a socket address with port 0; its length, or 0 when the text is no address.
socklen_t parse(const std::string& address, sockaddr_storage& out) {
    std::memset(&out, 0, sizeof out);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        return sizeof *v6;
    }
    return 0;
}

}  // namespace

bool is_loopback(std::string_view address) { return address == "::1" || address.starts_with("127."); }

bool is_numeric(const std::string& address) {
    sockaddr_storage parsed;
    return parse(address, parsed) != 0;
}

bool can_bind(const std::string& address) {
    sockaddr_storage parsed;
    const socklen_t size = parse(address, parsed);
    const int fd = size == 0 ? -1 : ::socket(parsed.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&parsed), size) == 0;
    ::close(fd);
    return bound;
}

std::string own_address() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return "127.0.0.1";
    }
    std::string found_v4;
    std::string found_v6;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_LOOPBACK) != 0 || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        char text[INET6_ADDRSTRLEN] = {};
        if (entry->ifa_addr->sa_family == AF_INET && found_v4.empty()) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
            found_v4 = inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        } else if (entry->ifa_addr->sa_family == AF_INET6 && found_v6.empty()) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
            if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
                found_v6 = inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
            }
        }
    }
    freeifaddrs(list);
    return !found_v4.empty() ? found_v4 : !found_v6.empty() ? found_v6 : "127.0.0.1";
}

spi::Status check_exposure(const std::vector<std::string>& addresses, bool has_auth, bool open) {
    for (const std::string& address : addresses) {
        if (!is_loopback(address) && !has_auth && !open) {
            return {spi::Code::kDenied, "server.addresses has " + address +
                                            ", which others can reach, and nobody has to log in; to allow that, start "
                                            "with --open (security.open = true)"};
        }
    }
    return {};
}

}  // namespace pharos::app
