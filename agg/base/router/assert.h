/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: assert(3) for the smallest build (-Dprofile=router), where it stands before the
 * library's: it stops as that does, and needs no text of every condition.
 */
#ifndef AGG_BASE_ROUTER_ASSERT_H
#define AGG_BASE_ROUTER_ASSERT_H

#define assert(condition) ((condition) ? (void)0 : __builtin_trap())
#ifndef static_assert
#define static_assert _Static_assert
#endif

#endif
