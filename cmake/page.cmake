# The status page of web/ in the binary: made into C by a program of ours, without another tool.
if(TARGET fan_app)
  add_executable(embed_page ${CMAKE_SOURCE_DIR}/tools/embed_page.c)
  target_link_libraries(embed_page fan::crypto)
  set(page_sources ${CMAKE_SOURCE_DIR}/web/status.html ${CMAKE_SOURCE_DIR}/web/status.css ${CMAKE_SOURCE_DIR}/web/status.js)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/page.c DEPENDS embed_page ${page_sources} VERBATIM
                     COMMAND embed_page ${page_sources} > ${CMAKE_BINARY_DIR}/page.c)
  target_sources(fan_app PRIVATE ${CMAKE_BINARY_DIR}/page.c)
endif()
