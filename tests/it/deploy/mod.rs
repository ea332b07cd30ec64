//! What is shipped beside the program (`deploy/`, the manual pages, the packages), as far as it can be judged without
//! a cluster, a registry or a booted machine: by running it where that is possible, else by the judges that
//! `scripts/test` installs.

mod man;
