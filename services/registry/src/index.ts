export { type RegistryOptions, startRegistry } from './start-registry.ts'
