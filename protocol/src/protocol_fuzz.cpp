// Feeds bytes to everything that reads parameters and JSON of clients: first byte chooses the reader.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>

#include "api_http/parameters.hpp"
#include "api_rpc/payloads.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pharos;
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 4) {
        case 0: {
            const protocol::Params params(text, text);
            for (const naming::Generation generation : {naming::Generation::kV1, naming::Generation::kV2}) {
                naming::Reader reader(params, generation);
                static_cast<void>(naming::read_service(reader));
                static_cast<void>(naming::read_instance(reader, true));
                static_cast<void>(naming::read_beat(reader));
                static_cast<void>(naming::read_patch(reader));
                static_cast<void>(naming::read_batch(reader));
                static_cast<void>(naming::read_status_key(reader, reader.text("key")));
                static_cast<void>(reader.page({}));
            }
            break;
        }
        case 1: {
            const protocol::JsonDocument body(text);
            const naming::ServiceKey key = naming::service_of(body);
            static_cast<void>(naming::check_service(key));
            static_cast<void>(naming::find_blank(key));
            if (const boost::json::object* json = protocol::find_object(body.root(), "instance")) {
                naming::ParsedInstance parsed = naming::parse_instance(body, *json);
                static_cast<void>(naming::check_instance(parsed.instance));
                static_cast<void>(naming::Host(std::move(parsed.instance), key));
            }
            break;
        }
        case 2: static_cast<void>(naming::parse_metadata(text)); break;
        default:
            static_cast<void>(protocol::check_service_name(text));
            static_cast<void>(protocol::check_clusters(text));
            static_cast<void>(protocol::check_ip(text));
            static_cast<void>(protocol::check_port(text));
            static_cast<void>(protocol::encode_uri(protocol::decode_form(text)));
            break;
    }
    return 0;
}
