//! An entry of an access history.

use atlas_logd::instant::Instant;

/// As servers and Atlas write it.
pub(crate) fn access_entry(project: &str, user: &str, ip: u8, number: u64, at: Instant) -> String {
    let timestamp = at.timestamp().strftime("%a %b %d %H:%M:%S GMT %Y");
    let date = at.timestamp().strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00");
    let (port, micros) = (32_768 + number % 28_000, 300 + number % 900);
    format!(
        r#"{{"authResult":true,"authSource":"admin","failureReason":null,"groupId":"{project}","hostname":"atlas-x1y2z3-shard-00-01.ab1cd.mongodb.net","ipAddress":"192.168.254.{ip}","logLine":"{{\"t\":{{\"$date\":\"{date}\"}},\"s\":\"I\",  \"c\":\"ACCESS\",   \"id\":5286306, \"ctx\":\"conn{number}\",\"msg\":\"Successfully authenticated\",\"attr\":{{\"client\":\"192.168.254.{ip}:{port}\",\"isSpeculative\":true,\"isClusterMember\":false,\"mechanism\":\"SCRAM-SHA-256\",\"user\":\"{user}\",\"db\":\"admin\",\"result\":0,\"metrics\":{{\"conversation_duration\":{{\"micros\":{micros},\"summary\":{{\"0\":{{\"step\":1,\"step_total\":2,\"duration_micros\":49}},\"1\":{{\"step\":2,\"step_total\":2,\"duration_micros\":13}}}}}}}},\"doc\":{{\"application\":{{\"name\":\"shop\"}},\"driver\":{{\"name\":\"mongo-java-driver\",\"version\":\"5.1.0\"}},\"os\":{{\"type\":\"linux\",\"architecture\":\"amd64\"}}}},\"extraInfo\":{{}}}}}}","timestamp":"{timestamp}","username":"{user}"}}"#,
    )
}
