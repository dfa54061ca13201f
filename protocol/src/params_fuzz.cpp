// A request's parameters: a line of query, a line with the content type, and a body. What is found must lie in the
// request or in what was decoded of it, and must not depend on how names are asked for.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <pharos/protocol/json.hpp>
#include <pharos/protocol/multipart.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/request.hpp>

namespace {

using namespace pharos;

void demand(bool condition) {
    if (!condition) {
        std::abort();
    }
}

bool is_inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return line;
}

void visit(const protocol::JsonDocument& document, const boost::json::value& value) {
    if (const boost::json::object* object = value.if_object()) {
        for (const auto& [key, member] : *object) {
            visit(document, member);
        }
        for (const char* name : {"ip", "port", "a"}) {
            (void)document.text(*object, name);
            (void)protocol::boolean(*object, name, true);
            (void)protocol::integer(*object, name, 1);
            (void)protocol::number(*object, name, 1);
        }
    } else if (const boost::json::array* array = value.if_array()) {
        for (const boost::json::value& member : *array) {
            visit(document, member);
        }
    } else {
        (void)document.text_of(value);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    spi::HttpRequest request;
    request.query = take_line(rest);
    const std::string_view type = take_line(rest);
    const spi::HttpHeader headers[] = {{"Content-Type", type}, {"X-Forwarded-For", request.query}};
    request.headers = headers;
    request.body = rest;
    request.remote_ip = "10.0.0.1";

    const protocol::Params params(request);
    for (const char* name : {"", "a", "serviceName", "content", "file"}) {
        const auto found = params.find(name);
        demand(found == params.find(name));
        demand(params.get(name).size() <= found.value_or("").size());
        (void)protocol::truth_of(params.get(name));
        (void)protocol::whole_number(params.get(name));
        (void)protocol::decimal_number(params.get(name));
    }
    for (const protocol::MultipartPart& part : protocol::parse_multipart(type, request.body, 16)) {
        demand(is_inside(part.name, request.body) && is_inside(part.file_name, request.body) &&
               is_inside(part.content, request.body));
    }
    demand(protocol::decode_form(protocol::encode_uri(rest)) == rest);
    (void)protocol::client_ip(request);

    const protocol::JsonDocument document(rest);
    visit(document, document.root());
    return 0;
}
