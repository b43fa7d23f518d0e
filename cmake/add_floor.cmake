# A floor is a folder that is a target of its own: the folder's sources, with an include path that
# holds the folder and what it stands on. An include that runs back up does not compile.
#
#   add_floor(PART FOLDER [ON FLOOR...] [LIBRARIES TARGET...])
#
# The target is PART-FOLDER. ON names the floors below, LIBRARIES what is linked from outside.
function(add_floor part folder)
  cmake_parse_arguments(FLOOR "" "" "ON;LIBRARIES" ${ARGN})
  set(target ${part}-${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  add_library(${target} STATIC ${sources})
  target_options(${target})
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  target_link_libraries(${target} PUBLIC ${FLOOR_ON} ${FLOOR_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY FLOORS ${target})
endfunction()

# The top floor of a service, PART-parts: the sources beside main.c.
#
#   add_service_parts(PART ON FLOOR...)
function(add_service_parts part)
  cmake_parse_arguments(FLOOR "" "" "ON" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.c)
  add_library(${part}-parts STATIC ${sources})
  target_options(${part}-parts)
  target_include_directories(${part}-parts PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${part}-parts PUBLIC ${FLOOR_ON})
  set_property(GLOBAL APPEND PROPERTY FLOORS ${part}-parts)
endfunction()

# Writes floors.txt in the build folder: a line for each floor in the order of their definition,
# "FLOOR: FLOOR..." with the floors that it names. script/draw-floors draws it.
function(write_floors)
  get_property(floors GLOBAL PROPERTY FLOORS)
  set(lines)
  foreach(floor ${floors})
    get_target_property(below ${floor} LINK_LIBRARIES)
    set(on)
    foreach(library ${below})
      if(library IN_LIST floors)
        string(APPEND on " ${library}")
      endif()
    endforeach()
    string(APPEND lines "${floor}:${on}\n")
  endforeach()
  file(WRITE ${CMAKE_BINARY_DIR}/floors.txt "${lines}")
endfunction()
