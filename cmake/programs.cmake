# The programs: fanatico itself, and the test programs beside it.
file(GLOB cmd_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmd/*.c)
if(cmd_sources AND TARGET fan_app)
  add_executable(fanatico ${cmd_sources})
  target_link_libraries(fanatico fan_app)
endif()
