/** Whether this is a time that a clock can show, in milliseconds since the epoch. Nothing is allowed at any other. */
export const isMoment = (at: number): boolean => at >= 0 && at <= 8_640_000_000_000_000
