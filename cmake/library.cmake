# libfanatico: the server for hosts (include/fanatico/), as a shared and a static library with only fan_* names to be seen.
# It holds what src/app/fanatico.c and hooks.c need and nothing of the EVM.
if(TARGET fan_app)
  add_library(fanatico_objects OBJECT ${CMAKE_SOURCE_DIR}/src/app/fanatico.c ${CMAKE_SOURCE_DIR}/src/app/hooks.c)
  target_link_libraries(fanatico_objects PRIVATE fan_app)

  add_library(libfanatico SHARED $<TARGET_OBJECTS:fanatico_objects>)
  target_link_libraries(libfanatico PRIVATE fan_app)
  target_link_options(libfanatico PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/library.map)
  set_target_properties(libfanatico PROPERTIES OUTPUT_NAME fanatico VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                        LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/library.map LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_include_directories(libfanatico INTERFACE ${CMAKE_SOURCE_DIR}/include)

  # The static one is one object in which every other name has become local: a host's own conn_close() stays its own.
  set(library_archives "")
  foreach(folder base codec eth wire net conn chain upstream hub rpc api app)
    list(APPEND library_archives $<TARGET_FILE:fan_${folder}>)
  endforeach()
  find_program(OBJCOPY objcopy REQUIRED)
  add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/libfanatico.a
    COMMAND ${CMAKE_LINKER} -r -o libfanatico.whole.o $<TARGET_OBJECTS:fanatico_objects>
            --start-group ${library_archives} $<TARGET_FILE:fan_llhttp> --end-group
    COMMAND ${OBJCOPY} --wildcard --keep-global-symbol=fan_* libfanatico.whole.o libfanatico.o
    COMMAND ${CMAKE_COMMAND} -E rm -f libfanatico.a libfanatico.whole.o
    COMMAND ${CMAKE_AR} rcs libfanatico.a libfanatico.o
    COMMAND ${CMAKE_COMMAND} -E rm -f libfanatico.o
    DEPENDS fanatico_objects ${library_archives} fan_llhttp
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMAND_EXPAND_LISTS VERBATIM)
  if(NOT FANATICO_SANITIZE)
    add_custom_target(libfanatico_static ALL DEPENDS ${CMAKE_BINARY_DIR}/libfanatico.a)
    install(FILES ${CMAKE_BINARY_DIR}/libfanatico.a DESTINATION lib)
  endif()
  configure_file(${CMAKE_SOURCE_DIR}/cmake/fanatico.pc.in ${CMAKE_BINARY_DIR}/fanatico.pc @ONLY)
  install(TARGETS libfanatico LIBRARY DESTINATION lib)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/fanatico DESTINATION include)
  install(FILES ${CMAKE_BINARY_DIR}/fanatico.pc DESTINATION lib/pkgconfig)

  # The examples are built as a host would: against the public headers and the library alone.
  file(GLOB embedders CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/examples/*.c)
  foreach(path ${embedders})
    get_filename_component(name ${path} NAME_WE)
    add_executable(${name} ${path})
    target_link_libraries(${name} libfanatico Threads::Threads)
  endforeach()
endif()
