import type { Access, Principal } from '../http/http-controller.ts'

const ANYONE: Principal = {
  kind: 'user',
  id: 'anyone',
  name: 'http',
  roleIn: () => 'admin',
  approvesIn: () => [],
  seesPayloads: () => true,
}

/** Lets everyone do everything. */
export const openAccess: Access = { check: () => Promise.resolve(ANYONE) }
