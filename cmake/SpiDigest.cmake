# pharos/spi/digest.hpp: a digest of all SPI headers, without comments and white space, for the plugins' fingerprint.
file(GLOB SPI_HEADERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk-api/include/pharos/spi/*.hpp)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SPI_HEADERS})
set(SPI_TEXT "")
foreach(HEADER ${SPI_HEADERS})
  file(READ ${HEADER} TEXT)
  string(REGEX REPLACE "//[^\n]*" "" TEXT "${TEXT}")
  string(REGEX REPLACE "[ \t\r\n]+" "" TEXT "${TEXT}")
  string(APPEND SPI_TEXT "${TEXT}")
endforeach()
string(SHA256 SPI_DIGEST "${SPI_TEXT}")
string(SUBSTRING ${SPI_DIGEST} 0 16 SPI_DIGEST)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/include/pharos/spi/digest.hpp CONTENT [[
#pragma once

/// Of the SPI's headers.
#define PHAROS_SPI_DIGEST "@SPI_DIGEST@"
]] @ONLY)
