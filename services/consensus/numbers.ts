/**
 * Heights, rounds, terms and indexes from here on are nonsense: no chain gets so far, and counting on
 * from them would not fit 64 bits.
 */
export const NUMBER_END = 1n << 63n;
