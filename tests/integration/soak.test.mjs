// The short form of script/soak: long enough for every kind of reader to come and go, too short for
// a level of memory, which has only a bound here, and none under a sanitizer.

import { test } from 'node:test';
import { soak } from './soak.mjs';

const SECONDS = 10;

test(`${SECONDS} s of rooms, messages and readers that come and go`,
  (context) => soak(SECONDS, (text) => text.split('\n').forEach((line) => context.diagnostic(line))));
