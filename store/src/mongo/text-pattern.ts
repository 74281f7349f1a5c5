/** A regular expression that matches exactly this text: what users search for is data. */
export const exactly = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
