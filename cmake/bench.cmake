# The programs of bench/: the load generators, and the bare servers ours is measured against.
add_library(fan_bench_kit STATIC ${CMAKE_SOURCE_DIR}/bench/kit.c)
target_include_directories(fan_bench_kit PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(fan_bench_kit PUBLIC fan_base)

foreach(program bare_sender constant_http http_load call_load)
  add_executable(${program} ${CMAKE_SOURCE_DIR}/bench/${program}.c)
  target_link_libraries(${program} fan_bench_kit fan_wire)
endforeach()
add_executable(ws_load ${CMAKE_SOURCE_DIR}/bench/ws_load.c ${CMAKE_SOURCE_DIR}/bench/ws_client.c ${CMAKE_SOURCE_DIR}/bench/track.c)
target_link_libraries(ws_load fan_bench_kit fan_wire fan::ssl fan::crypto)
