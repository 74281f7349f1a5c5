/** The version of Carillon: of every package, and what services and executors announce. `node scripts/set-version.ts` changes it. */
export const VERSION = '0.1.0'
