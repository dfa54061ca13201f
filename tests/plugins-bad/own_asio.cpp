// Compiles Asio in.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bad_plugin.hpp"

class OwnAsio final : public BadPlugin {
public:
    pharos::spi::Status start() noexcept override {
        timer_.async_wait([](boost::system::error_code) {});
        return {};
    }

private:
    boost::asio::io_context context_;
    boost::asio::steady_timer timer_{context_};
};

PHAROS_PLUGIN(OwnAsio, "own_asio", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
