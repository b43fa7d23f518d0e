// The shared worker: one hub for all tabs. The page gives it the hub's name as its own.

import { Hub } from './hub.js';

Hub.startWithLock(self.name, () => new Hub(self.name));
