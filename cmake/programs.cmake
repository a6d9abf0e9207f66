# The programs: fanatico itself, and the test programs beside it.
file(GLOB cmd_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmd/*.c)
if(cmd_sources AND TARGET fan_app AND TARGET fan_local)
  add_executable(fanatico ${cmd_sources})
  target_link_libraries(fanatico fan_app fan_local)
  install(TARGETS fanatico)
endif()

if(TARGET fan_conn AND EXISTS ${CMAKE_SOURCE_DIR}/test/ws_echo.c)
  add_executable(ws_echo ${CMAKE_SOURCE_DIR}/test/ws_echo.c)
  target_link_libraries(ws_echo fan_conn fan_net)
endif()

if("system" IN_LIST FANATICO_TESTS)
  add_executable(load_check ${CMAKE_SOURCE_DIR}/test/load/load_check.c)
endif()
