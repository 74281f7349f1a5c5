const SPECIAL = /[\\^$.*+?()[\]{}|/-]/g
/** As `withoutTerminalCodes` has them. */
const CODES = '(?:\\x1b\\[[0-?]*[ -/]*[@-~]|\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\))*'

/** A regular expression that matches exactly this text: what users search for is data. */
export const exactly = (text: string): string => text.replace(SPECIAL, '\\$&')

/** The same, with the control sequences of terminals between any two of its letters. */
export const exactlyAmongCodes = (text: string): string => [...text].map(exactly).join(CODES)
