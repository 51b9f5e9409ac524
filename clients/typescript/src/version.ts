/** The release of stubtail that this client belongs to; a test keeps it in step with the server's. */
export const VERSION = "0.1.0";
