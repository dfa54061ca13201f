// Has the wire's .proto in it, as protoc writes it: a file descriptor with the file's name, its two messages and the
// service. Registered a second time, it would end the process.
#include "bad_plugin.hpp"

extern "C" __attribute__((used)) const char own_wire_descriptor[] =
    "\n\x18nacos_grpc_service.proto\x1a\x19google/protobuf/any.proto"
    "2\x31\n\x07Request\x12&\n\x07request\x12\x08.Payload\x1a\x08.Payload\"\x00" "b\x06proto3";

PHAROS_PLUGIN(BadPlugin, "own_wire", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
