import { fileURLToPath } from 'node:url'

/** The folder of the built console: `index.html`, and files below `assets/` whose names change with their content. */
export const consoleFolder: string = fileURLToPath(new URL('./site', import.meta.url))
