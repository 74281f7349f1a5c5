/** For tests: time that stands still, a real broker, and the contract of every service. */

export {
  eventually,
  FakeClock,
  makeCertificates,
  REQUEST_DEADLINE,
  settle,
  signal,
  startNatsServer,
  type TestServer,
} from '@carillon/wire/testing'
export { type Exercise, exerciseService } from './exercise-service.ts'
export { noResponders } from './no-responders.ts'
export { type BrokerOfTest, cleanUps, createTestLog, startBrokerOf, startTestBroker, type TestBroker } from './test-broker.ts'
