export { type LoggerOptions, startLogger } from './start-logger.ts'
