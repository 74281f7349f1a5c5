import type { BadInput } from './bad-input.ts'

export const histories: BadInput[] = [
  {
    what: 'the history of a job that has never been there',
    code: 'JOB_NOT_FOUND',
    field: 'name',
    api: ['jobs.history', '{"name":"nobody"}'],
    sdk: async (client) => void (await client.jobs.history('nobody')),
    cli: ['jobs', 'history', 'nobody'],
  },
  {
    what: 'a page of a history that nobody gave out',
    code: 'INVALID_REQUEST',
    field: 'cursor',
    api: ['jobs.history', '{"name":"nobody","cursor":"x"}'],
    sdk: async (client) => void (await client.jobs.history('nobody', { cursor: 'x' })),
  },
  {
    what: 'a job to release that is not there',
    code: 'JOB_NOT_FOUND',
    field: 'name',
    api: ['jobs.release', '{"name":"nobody"}'],
    sdk: (client) => client.jobs.release('nobody'),
    cli: ['jobs', 'release', 'nobody'],
  },
  {
    what: 'a declaration without a version',
    code: 'INVALID_REQUEST',
    field: 'version',
    api: ['jobs.declare', '{"name":"report"}'],
  },
  {
    what: 'a declaration of version 0',
    code: 'INVALID_REQUEST',
    field: 'version',
    api: ['jobs.declare', '{"name":"report","version":0}'],
  },
]
