//! The simulated Atlas: a deterministic model of the remote, as strict as the remote is known to be.
//!
//! [`World`] holds what exists there and what happened; its ground truth ([`World::truth`]) is the oracle of the demo
//! and of the tests. [`serve`] and [`SimAtlas`] put it behind HTTP on loopback, with the recorded headers, error bodies,
//! authentications, limits and paging. [`World::fault`] makes answers go wrong on purpose, [`World::requests`] and
//! [`World::hold`] let a test count requests and freeze one. What is not documented about Atlas is a [`Settings`] field
//! with every possibility, never a fixed choice.
//!
//! Nothing of the product depends on this module, and it depends only on the product's words for time and sources.

mod account;
mod auth;
mod buckets;
mod command;
mod demo_world;
mod fault;
mod faults;
mod http;
mod lock;
mod matching;
mod project;
mod request;
mod requests;
mod settings;
pub mod truth;
mod weather;
mod world;

pub use account::{ApiKey, Grants, Role, ServiceAccount};
pub use command::{Simulation, run};
pub use demo_world::{ANALYTICS, DemoCredentials, PAYMENTS, demo_credentials, demo_world, demo_world_since};
pub use fault::Fault;
pub use http::{SimAtlas, serve};
pub use matching::Match;
pub use project::{Cluster, Project, StreamInstance, Tier};
pub use request::{AuthKind, Request};
pub use requests::Hold;
pub use settings::{BucketSize, DateHeader, Denial, EmptyAudit, Endpoint, Framing, Rendering, Settings, Versions};
pub use truth::{Arrival, Bounds, Burst, Clocks, Event, Profile, RangeClock};
pub use weather::{Trouble, Weather};
pub use world::World;
