/** Of Carillon: of every package, of what services and executors say of themselves. `node scripts/set-version.ts` changes it. */
export const VERSION = '0.1.0'
