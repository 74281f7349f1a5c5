/** For tests: time that stands still, a real broker, and the contract of every service. */

export { startNatsServer, type TestServer } from '@carillon/wire/testing'
export { eventually } from './eventually.ts'
export { type Exercise, exerciseService } from './exercise-service.ts'
export { FakeClock, settle } from './fake-clock.ts'
export { type BrokerOfTest, createTestLog, startBrokerOf, startTestBroker, type TestBroker } from './test-broker.ts'
