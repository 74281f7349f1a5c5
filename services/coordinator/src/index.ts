export { type CoordinatorOptions, startCoordinator } from './start-coordinator.ts'
