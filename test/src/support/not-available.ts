/** This machine lacks what a test needs; the message says what. */
export class NotAvailable extends Error {}
