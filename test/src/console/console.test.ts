/**
 * What people do with the console, in a real browser against a real mesh. Of one suite alone:
 * `node --test --test-name-pattern=people test/dist/console/console.test.js`
 */
import { after, before, describe } from 'node:test'
import { NO_BROWSER } from '../support/browser.ts'
import { Cleanup } from '../support/cleanup.ts'
import { type ConsoleMesh, startConsoleMesh } from './console-mesh.ts'
import { testDefinitions } from './suites/definitions.ts'
import { testLongList } from './suites/long-list.ts'
import { testOperations } from './suites/operations.ts'
import { testOutages } from './suites/outages.ts'
import { testPages } from './suites/pages.ts'
import { testPeople } from './suites/people.ts'
import { testStream } from './suites/stream.ts'
import { testViewer } from './suites/viewer.ts'

/** Each makes its tests, in a namespace of its own. */
const SUITES: Readonly<Record<string, (world: () => ConsoleMesh) => void>> = {
  'overview, runs and a run': testPages,
  'what is defined': testDefinitions,
  'what is kept running': testOperations,
  'people and alerts': testPeople,
  'what comes live': testStream,
  outages: testOutages,
  'a viewer': testViewer,
  'a long list': testLongList,
}

describe('the console', { skip: NO_BROWSER }, () => {
  const cleanup = new Cleanup({ after })
  let started: ConsoleMesh | undefined
  const world = () => {
    if (started === undefined) throw new Error('the mesh has not started')
    return started
  }
  before(async () => {
    started = await startConsoleMesh(cleanup)
  })

  for (const [name, makeTests] of Object.entries(SUITES)) {
    describe(name, () => {
      after(() => world().closeProfiles())
      makeTests(world)
    })
  }
})
