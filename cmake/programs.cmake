# The programs: fanatico itself, and the test programs beside it.
file(GLOB cmd_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmd/*.c)
if(cmd_sources AND TARGET fan_app AND TARGET fan_local)
  add_executable(fanatico ${cmd_sources})
  target_link_libraries(fanatico fan_app fan_local fan_fixture)
  install(TARGETS fanatico)
  # What man and the shells read comes from the binary's own table of options.
  foreach(page "manual:share/man/man1:fanatico.1" "completion bash:share/bash-completion/completions:fanatico"
               "completion zsh:share/zsh/site-functions:_fanatico" "completion fish:share/fish/vendor_completions.d:fanatico.fish")
    string(REPLACE ":" ";" page ${page})
    list(POP_FRONT page arguments folder name)
    string(REPLACE " " ";" arguments ${arguments})
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${folder}/${name} DEPENDS fanatico VERBATIM
                       COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/${folder}
                       COMMAND $<TARGET_FILE:fanatico> ${arguments} > ${CMAKE_BINARY_DIR}/${folder}/${name})
    list(APPEND pages ${CMAKE_BINARY_DIR}/${folder}/${name})
    install(FILES ${CMAKE_BINARY_DIR}/${folder}/${name} DESTINATION ${folder})
  endforeach()
  if(NOT FANATICO_SANITIZE)
    add_custom_target(pages ALL DEPENDS ${pages})
  endif()
endif()

if(TARGET fan_conn AND EXISTS ${CMAKE_SOURCE_DIR}/test/ws_echo.c)
  add_executable(ws_echo ${CMAKE_SOURCE_DIR}/test/ws_echo.c)
  target_link_libraries(ws_echo fan_conn fan_net)
endif()

if("system" IN_LIST FANATICO_TESTS)
  add_executable(load_check ${CMAKE_SOURCE_DIR}/test/load/load_check.c)
endif()
if("system" IN_LIST FANATICO_TESTS AND TARGET fan_local)
  add_executable(chain_check ${CMAKE_SOURCE_DIR}/test/ethereum/chain_check.c)
  target_link_libraries(chain_check fan_local)
endif()
